//! PATCH /api/v1/notifications/{id}

use super::Service;
use super::view::NotificationView;
use crate::app::{UpdateNotification, UpdateNotificationError, update_notification};
use crate::domain::{State, TextRule};
use crate::store::Viewer;
use actix_web::HttpResponse;
use actix_web::web::Data;
use contracts::NotificationId;
use serde::Deserialize;
use web::{Answer, Body, Call, FieldErrors, Id, NoParams, Params, Patch, Problem, ProblemCode};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PatchBody {
    #[serde(default)]
    read: Patch<bool>,
    #[serde(default)]
    archived: Patch<bool>,
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
