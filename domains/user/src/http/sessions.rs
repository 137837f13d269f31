//! `GET /api/v1/users/me/sessions`: where the own account is signed in. Rule: what has ended is not in it.

use crate::state::UserState;
use crate::store::sessions::{self, SignIn};
use actix_web::HttpResponse;
use actix_web::web::Data;
use chrono::{DateTime, Utc};
use contracts::SessionId;
use serde::Serialize;
use web::{Caller, Listing, NoParams, Page, Problem};

#[derive(Debug, Serialize)]
struct SessionView {
    id: SessionId,
    created_at: DateTime<Utc>,
    last_used_at: DateTime<Utc>,
    user_agent: Option<String>,
    ip: Option<String>,
    /// Whether it is the one that asks.
    current: bool,
}

pub(super) async fn list(
    state: Data<UserState>,
    caller: Caller,
    listing: Listing<NoParams>,
) -> Result<HttpResponse, Problem> {
    let now = state.db.clock().now();
    let Page { items, next_cursor } = sessions::page(state.db.reader(), caller.user_id, now, &listing.paging).await?;
    let items = items.into_iter().map(|sign_in| view(sign_in, caller.session_id)).collect();
    web::list(&Page { items, next_cursor })
}

fn view(SignIn { id, created_at, last_used_at, device }: SignIn, current: SessionId) -> SessionView {
    SessionView { id, created_at, last_used_at, user_agent: device.user_agent, ip: device.ip, current: id == current }
}
