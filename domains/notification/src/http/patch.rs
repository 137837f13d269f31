//! PATCH /api/v1/notifications/{id}

use super::Service;
use super::view::{self, NotificationView};
use crate::app::{UpdateNotification, UpdateNotificationError, update_notification};
use crate::domain::{State, TextRule};
use crate::store::Viewer;
use actix_web::HttpResponse;
use actix_web::web::Data;
use contracts::NotificationId;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use web::openapi::Operation;
use web::{Answer, Body, Call, FieldErrors, Id, NoParams, Params, Patch, Problem, ProblemCode};

/// A JSON Merge Patch of what the recipient did with it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PatchNotification")]
pub(super) struct PatchBody {
    #[serde(default)]
    #[schemars(with = "bool")]
    read: Patch<bool>,
    #[serde(default)]
    #[schemars(with = "bool")]
    archived: Patch<bool>,
}

/// For the document.
pub(super) fn operation() -> Operation {
    Operation::new("patchNotification", "Notes that a notification was read, or archives it")
        .tag("notifications")
        .signed_in()
        .body::<PatchBody>(|| json!({ "read": true }))
        .keyed()
        .if_match()
        .changed::<NotificationView<'_>>(view::example)
        .problem(ProblemCode::InvalidTransition)
}

pub(super) async fn patch(
    service: Data<Service>,
    call: Call,
    Id(id): Id<NotificationId>,
    _: Params<NoParams>,
    Body(body): Body<PatchBody>,
) -> Result<HttpResponse, Problem> {
    let command = body.into_command(id, &call)?;
    web::command(&service.db, &call, &command, update_notification, |updated| {
        Answer::ok(updated.version, &NotificationView::from(updated))
    })
    .await
}

impl PatchBody {
    fn into_command(self, id: NotificationId, call: &Call) -> Result<UpdateNotification, Problem> {
        let mut errors = FieldErrors::new();
        let read = errors.check_patch_required("/read", self.read, Ok::<_, TextRule>);
        let archived = errors.check_patch_required("/archived", self.archived, Ok::<_, TextRule>);
        errors.finish()?;
        let (by, if_match) = (Viewer::from(&call.caller), call.if_match);
        Ok(UpdateNotification { id, by, read, archived, if_match })
    }
}

impl From<UpdateNotificationError> for Problem {
    fn from(error: UpdateNotificationError) -> Self {
        match error {
            UpdateNotificationError::NotFound => Self::new(ProblemCode::NotFound),
            UpdateNotificationError::NotSent => Self::new(ProblemCode::InvalidTransition)
                .detail("a draft can be neither read nor archived; send it first")
                .with("allowed", vec![State::Sent.as_str()]),
            UpdateNotificationError::Stale(stale) => stale.into(),
            UpdateNotificationError::Db(error) => error.into(),
        }
    }
}
