//! POST /api/v1/notifications/{id}/send

use super::Service;
use super::view::{self, NotificationView};
use crate::app::{SendNotification, SendNotificationError, send_notification};
use crate::store::Viewer;
use actix_web::HttpResponse;
use actix_web::web::Data;
use contracts::NotificationId;
use web::openapi::Operation;
use web::{Answer, Call, Id, NoBody, NoParams, Params, Problem, ProblemCode};

/// For the document.
pub(super) fn operation() -> Operation {
    Operation::new("sendNotification", "Sends a draft")
        .tag("notifications")
        .signed_in()
        .no_body()
        .keyed()
        .if_match()
        .accepted::<NotificationView<'_>>(view::example)
        .problem(ProblemCode::AlreadySent)
}

pub(super) async fn send(
    service: Data<Service>,
    call: Call,
    Id(id): Id<NotificationId>,
    _: Params<NoParams>,
    _: NoBody,
) -> Result<HttpResponse, Problem> {
    let command = SendNotification { id, by: Viewer::from(&call.caller), if_match: call.if_match };
    web::command(&service.db, &call, &command, send_notification, |sent| {
        Answer::accepted(sent.version, &NotificationView::from(sent))
    })
    .await
}

impl From<SendNotificationError> for Problem {
    fn from(error: SendNotificationError) -> Self {
        match error {
            SendNotificationError::NotFound => Self::new(ProblemCode::NotFound),
            SendNotificationError::AlreadySent => Self::new(ProblemCode::AlreadySent),
            SendNotificationError::Stale(stale) => stale.into(),
            SendNotificationError::Db(error) => error.into(),
        }
    }
}
