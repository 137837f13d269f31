//! POST /api/v1/notifications/mark

use super::Service;
use crate::app::{MarkNotifications, Marked, mark_notifications};
use crate::store::{Mark, Selector};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use contracts::{NotificationId, UserId};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::{Value, json};
use std::borrow::Cow;
use web::openapi::Operation;
use web::{Answer, Body, Call, FieldErrors, Instant, NoParams, Params, Problem};

/// Ids that one call may name.
const IDS: usize = 500;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MarkBody {
    action: Action,
    ids: Option<Vec<NotificationId>>,
    before: Option<Instant>,
    all: Option<bool>,
}

/// Exactly one of `ids`, `before` and `all` is given.
impl JsonSchema for MarkBody {
    fn schema_name() -> Cow<'static, str> {
        "MarkNotifications".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let ids = json!({
            "type": "array", "items": generator.subschema_for::<NotificationId>(), "minItems": 1, "maxItems": IDS,
        });
        let before = generator.subschema_for::<Instant>();
        let action = generator.subschema_for::<Action>();
        let one = |name: &str, schema: Value| {
            let mut properties = json!({ "action": action, "ids": null, "before": null, "all": null });
            if let Some(properties) = properties.as_object_mut() {
                properties
                    .values_mut()
                    .filter(|schema| schema.is_null())
                    .for_each(|schema| *schema = json!({ "type": "null" }));
                properties.insert(name.to_owned(), schema);
            }
            json!({
                "type": "object", "required": ["action", name], "properties": properties, "additionalProperties": false,
            })
        };
        json_schema!({
            "description": "Which notifications are marked, and how: by their ids, all that are older, or all.",
            "oneOf": [
                one("ids", ids),
                one("before", before.to_value()),
                one("all", json!({ "const": true })),
            ],
        })
    }
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Action {
    Read,
    Unread,
    Archive,
}

/// For the document.
pub(super) fn operation() -> Operation {
    Operation::new("markNotifications", "Marks many notifications at once")
        .tag("notifications")
        .signed_in()
        .body::<MarkBody>(|| json!({ "action": "read", "all": true }))
        .keyed()
        .ok::<Marked>(|| json!({ "changed": 1, "counts": { "unread": 0, "total": 1 } }))
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
            (None, Some(before), None) => Some(Selector::Before(before.0)),
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
