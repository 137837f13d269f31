//! GET /api/v1/notifications

use super::Service;
use super::view::NotificationView;
use crate::domain::State;
use crate::store::{self, Counts, Filter, InBox, Viewer};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use web::{AnyOf, AnyOrNone, Caller, Listing, Problem, ProblemCode, UserRef};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filters {
    #[serde(rename = "box", default)]
    in_box: InBox,
    read: Option<bool>,
    category: Option<AnyOrNone<String>>,
    state: Option<AnyOf<State>>,
    recipient_id: Option<AnyOf<UserRef>>,
    created_after: Option<DateTime<Utc>>,
    created_before: Option<DateTime<Utc>>,
}

/// A page with the numbers of the inboxes that it is about, whatever the filters leave of them.
#[derive(Debug, Serialize)]
struct ListView<'a> {
    items: Vec<NotificationView<'a>>,
    next_cursor: Option<&'a str>,
    counts: Counts,
}

pub(super) async fn list(
    service: Data<Service>,
    caller: Caller,
    listing: Listing<Filters>,
) -> Result<HttpResponse, Problem> {
    let filter = listing.filters.into_filter(&caller)?;
    let page = store::page(service.db.reader(), &filter, &listing.paging).await?;
    let counts = store::counts(service.db.reader(), &filter.recipients).await?;
    let items = page.items.iter().map(NotificationView::from).collect();
    web::json(StatusCode::OK, &ListView { items, next_cursor: page.next_cursor.as_deref(), counts })
}

impl Filters {
    fn into_filter(self, caller: &Caller) -> Result<Filter, Problem> {
        let recipients: Vec<_> = match self.recipient_id {
            Some(AnyOf(asked)) => asked.into_iter().map(|user| user.resolve(caller)).collect(),
            None => vec![caller.user_id],
        };
        if !caller.is_admin() && recipients.iter().any(|user| *user != caller.user_id) {
            return Err(Problem::new(ProblemCode::InsufficientScope)
                .detail("only administrators list other people's notifications"));
        }
        Ok(Filter {
            viewer: Viewer::from(caller),
            recipients,
            in_box: self.in_box,
            read: self.read,
            categories: self.category,
            states: self.state,
            created_after: self.created_after,
            created_before: self.created_before,
        })
    }
}
