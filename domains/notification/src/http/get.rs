//! GET /api/v1/notifications/{id}

use super::Service;
use super::view::{self, NotificationView};
use crate::store::{self, Viewer};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use contracts::NotificationId;
use web::openapi::Operation;
use web::{Caller, Id, NoParams, Params, Problem, ProblemCode};

/// For the document.
pub(super) fn operation() -> Operation {
    Operation::new("getNotification", "One notification")
        .tag("notifications")
        .signed_in()
        .one::<NotificationView<'_>>(view::example)
}

pub(super) async fn get(
    service: Data<Service>,
    request: HttpRequest,
    caller: Caller,
    Id(id): Id<NotificationId>,
    _: Params<NoParams>,
) -> Result<HttpResponse, Problem> {
    let found = store::get(service.db.reader(), id, Viewer::from(&caller)).await?;
    let notification = found.ok_or_else(|| Problem::new(ProblemCode::NotFound))?;
    web::one(&request, notification.version, &NotificationView::from(&notification))
}
