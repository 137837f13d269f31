//! `POST /tasks/{id}/complete`.

use super::{
    TaskState,
    problems::not_found,
    task_view::{self, TaskView},
};
use crate::app::{self, CompleteTask, CompleteTaskError};
use crate::domain::{Actor, Task};
use actix_web::{HttpResponse, web::Data};
use contracts::TaskId;
use web::openapi::Operation;
use web::{Answer, Call, Id, NoBody, NoParams, Params, Problem, ProblemCode};

/// For the document.
pub(super) fn operation() -> Operation {
    Operation::new("completeTask", "Finishes a task; one that is done stays as it is")
        .tag("tasks")
        .signed_in()
        .no_body()
        .keyed()
        .if_match()
        .changed::<TaskView<'_>>(task_view::example)
        .problem(ProblemCode::InvalidTransition)
}

pub(super) async fn complete_task(
    state: Data<TaskState>,
    call: Call,
    Id(task): Id<TaskId>,
    _: Params<NoParams>,
    _: NoBody,
) -> Result<HttpResponse, Problem> {
    let command = CompleteTask { task, by: Actor::from(&call.caller), if_match: call.if_match };
    let answer = |task: &Task| Answer::ok(task.version, &TaskView::from(task));
    web::command(&state.db, &call, &command, app::complete_task, answer).await
}

impl From<CompleteTaskError> for Problem {
    fn from(error: CompleteTaskError) -> Self {
        match error {
            CompleteTaskError::NotFound => not_found(),
            CompleteTaskError::Stale(stale) => stale.into(),
            CompleteTaskError::Transition(refused) => refused.into(),
            CompleteTaskError::Db(error) => error.into(),
        }
    }
}
