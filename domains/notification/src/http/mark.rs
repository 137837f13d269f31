//! POST /api/v1/notifications/mark

use super::Service;
use crate::app::{MarkNotifications, mark_notifications};
use crate::store::{Mark, Selector};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use chrono::{DateTime, Utc};
use contracts::{NotificationId, UserId};
use serde::Deserialize;
use web::{Answer, Body, Call, FieldErrors, NoParams, Params, Problem};

/// Ids that one call may name.
const IDS: usize = 500;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MarkBody {
    action: Action,
    ids: Option<Vec<NotificationId>>,
    before: Option<DateTime<Utc>>,
    all: Option<bool>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    Read,
    Unread,
    Archive,
}

pub(super) async fn mark(
    service: Data<Service>,
    call: Call,
    _: Params<NoParams>,
    Body(body): Body<MarkBody>,
) -> Result<HttpResponse, Problem> {
    let command = body.into_command(call.caller.user_id)?;
    web::command(&service.db, &call, &command, mark_notifications, |marked| Answer::plain(StatusCode::OK, marked)).await
}

impl MarkBody {
    fn into_command(self, recipient: UserId) -> Result<MarkNotifications, Problem> {
        let mut errors = FieldErrors::new();
        let selector = match (self.ids, self.before, self.all) {
            (Some(ids), None, None) if (1..=IDS).contains(&ids.len()) => {
                Some(Selector::Ids(ids.into_iter().map(NotificationId::uuid).collect()))
            }
            (Some(ids), None, None) => {
                let code = if ids.is_empty() { "too_short" } else { "too_long" };
                errors.add("/ids", code, format!("must have 1 to {IDS} ids"));
                None
            }
            (None, Some(before), None) => Some(Selector::Before(before)),
            (None, None, Some(true)) => Some(Selector::All),
            (None, None, Some(false)) => {
                errors.add("/all", "invalid_value", "must be true, or be left out");
                None
            }
            _ => {
                errors.add("", "exactly_one", "must have exactly one of `ids`, `before` and `all`");
                None
            }
        };
        let Some(selector) = selector else { return Err(errors.into_problem()) };
        Ok(MarkNotifications { recipient, mark: self.action.into(), selector })
    }
}

impl From<Action> for Mark {
    fn from(action: Action) -> Self {
        match action {
            Action::Read => Self::Read,
            Action::Unread => Self::Unread,
            Action::Archive => Self::Archived,
        }
    }
}
