//! GET /api/v1/notifications

use super::Service;
use super::view::{self, NotificationView};
use crate::domain::State;
use crate::store::{self, Counts, Filter, InBox, Viewer};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use web::openapi::Operation;
use web::{AnyOf, AnyOrNone, Caller, Instant, Listing, Problem, ProblemCode, UserRef, Word};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Filters {
    /// Which part of what the caller has.
    #[serde(rename = "box", default)]
    in_box: InBox,
    /// Whether they were read.
    read: Option<bool>,
    /// Of one of these categories; `none` for those without any.
    category: Option<AnyOrNone<Word>>,
    /// In one of these states.
    state: Option<AnyOf<State>>,
    /// Of one of these recipients, for administrators; `me` for the caller.
    recipient_id: Option<AnyOf<UserRef>>,
    /// Made later.
    created_after: Option<Instant>,
    /// Made earlier.
    created_before: Option<Instant>,
}

/// A page with the numbers of the inboxes that it is about, whatever the filters leave of them.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "NotificationPage")]
struct ListView<'a> {
    items: Vec<NotificationView<'a>>,
    /// For the next page; null on the last.
    next_cursor: Option<&'a str>,
    counts: Counts,
}

/// For the document.
pub(super) fn operation() -> Operation {
    Operation::new("listNotifications", "The inbox, newest first, with its counts")
        .tag("notifications")
        .signed_in()
        .list::<Filters>()
        .ok::<ListView<'_>>(
            || json!({ "items": [view::example()], "next_cursor": null, "counts": { "unread": 1, "total": 1 } }),
        )
        .problem(ProblemCode::InsufficientScope)
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
            categories: self.category.map(|any| any.map(|Word(name)| name)),
            states: self.state,
            created_after: self.created_after.map(|instant| instant.0),
            created_before: self.created_before.map(|instant| instant.0),
        })
    }
}
