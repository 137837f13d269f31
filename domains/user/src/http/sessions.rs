//! `GET /api/v1/users/me/sessions`: where the own account is signed in. Rule: what has ended is not in it.

use crate::state::UserState;
use crate::store::sessions::{self, SignIn};
use actix_web::HttpResponse;
use actix_web::web::Data;
use chrono::{DateTime, Utc};
use contracts::SessionId;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use web::openapi::Operation;
use web::{Caller, NoParams, Page, Problem, SortedListing};

/// A sign-in that can still be used.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Session")]
struct SessionView {
    id: SessionId,
    created_at: DateTime<Utc>,
    last_used_at: DateTime<Utc>,
    user_agent: Option<String>,
    ip: Option<String>,
    /// Whether it is the one that asks.
    current: bool,
}

/// For the document.
pub(super) fn operation() -> Operation {
    Operation::new("listMySessions", "Where the own account is signed in")
        .tag("users")
        .signed_in()
        .sorted_list::<NoParams>(sessions::sorts())
        .page::<SessionView>(|| json!({ "items": [example()], "next_cursor": null }))
}

fn example() -> serde_json::Value {
    json!({
        "id": "019b76da-a800-7172-980b-52245ebc6f82",
        "created_at": "2026-01-01T00:00:00.000041Z",
        "last_used_at": "2026-01-01T08:00:00.000000Z",
        "user_agent": "curl/8.11.0",
        "ip": "203.0.113.7",
        "current": true,
    })
}

pub(super) async fn list(
    state: Data<UserState>,
    caller: Caller,
    listing: SortedListing<NoParams>,
) -> Result<HttpResponse, Problem> {
    let now = state.db.clock().now();
    let Page { items, next_cursor } = sessions::page(state.db.reader(), caller.user_id, now, &listing.paging).await?;
    let items = items.into_iter().map(|sign_in| view(sign_in, caller.session_id)).collect();
    web::list(&Page { items, next_cursor })
}

fn view(SignIn { id, created_at, last_used_at, device }: SignIn, current: SessionId) -> SessionView {
    SessionView { id, created_at, last_used_at, user_agent: device.user_agent, ip: device.ip, current: id == current }
}
