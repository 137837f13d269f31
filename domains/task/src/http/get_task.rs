//! `GET /tasks/{id}`.

use super::{
    TaskState,
    problems::not_found,
    task_view::{self, TaskView},
};
use crate::domain::Actor;
use crate::store;
use actix_web::{HttpRequest, HttpResponse, web::Data};
use contracts::TaskId;
use web::openapi::Operation;
use web::{Caller, Id, NoParams, Params, Problem};

/// For the document.
pub(super) fn operation() -> Operation {
    Operation::new("getTask", "One task").tag("tasks").signed_in().one::<TaskView<'_>>(task_view::example)
}

pub(super) async fn get_task(
    state: Data<TaskState>,
    request: HttpRequest,
    caller: Caller,
    Id(task): Id<TaskId>,
    _: Params<NoParams>,
) -> Result<HttpResponse, Problem> {
    let found = store::get(state.db.reader(), task, Actor::from(&caller)).await?;
    let task = found.ok_or_else(not_found)?;
    web::one(&request, task.version, &TaskView::from(&task))
}
