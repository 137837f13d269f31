//! DELETE /api/v1/notifications/{id}

use super::Service;
use crate::app::{DeleteNotification, DeleteNotificationError, delete_notification};
use crate::store::Viewer;
use actix_web::HttpResponse;
use actix_web::web::Data;
use contracts::NotificationId;
use web::openapi::Operation;
use web::{Answer, Call, FreshCaller, Id, NoParams, Params, Problem, ProblemCode};

/// For the document.
pub(super) fn operation() -> Operation {
    Operation::new("deleteNotification", "Throws a notification away")
        .tag("notifications")
        .signed_in()
        .if_match()
        .no_content()
}

pub(super) async fn delete(
    service: Data<Service>,
    _: FreshCaller,
    call: Call,
    Id(id): Id<NotificationId>,
    _: Params<NoParams>,
) -> Result<HttpResponse, Problem> {
    let command = DeleteNotification { id, by: Viewer::from(&call.caller), if_match: call.if_match };
    web::command(&service.db, &call, &command, delete_notification, |()| Answer::no_content()).await
}

impl From<DeleteNotificationError> for Problem {
    fn from(error: DeleteNotificationError) -> Self {
        match error {
            DeleteNotificationError::NotFound => Self::new(ProblemCode::NotFound),
            DeleteNotificationError::Stale(stale) => stale.into(),
            DeleteNotificationError::Db(error) => error.into(),
        }
    }
}
