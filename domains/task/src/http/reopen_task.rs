//! `POST /tasks/{id}/reopen`.

use super::{
    TaskState,
    problems::not_found,
    task_view::{self, TaskView},
};
use crate::app::{self, ReopenTask, ReopenTaskError};
use crate::domain::{Actor, Task};
use actix_web::{HttpResponse, web::Data};
use contracts::TaskId;
use web::openapi::Operation;
use web::{Answer, Call, Id, NoBody, NoParams, Params, Problem, ProblemCode};

/// For the document.
pub(super) fn operation() -> Operation {
    Operation::new("reopenTask", "Opens a finished or cancelled task again")
        .tag("tasks")
        .signed_in()
        .no_body()
        .keyed()
        .if_match()
        .changed::<TaskView<'_>>(task_view::example)
        .problem(ProblemCode::InvalidTransition)
}

pub(super) async fn reopen_task(
    state: Data<TaskState>,
    call: Call,
    Id(task): Id<TaskId>,
    _: Params<NoParams>,
    _: NoBody,
) -> Result<HttpResponse, Problem> {
    let command = ReopenTask { task, by: Actor::from(&call.caller), if_match: call.if_match };
    let answer = |task: &Task| Answer::ok(task.version, &TaskView::from(task));
    web::command(&state.db, &call, &command, app::reopen_task, answer).await
}

impl From<ReopenTaskError> for Problem {
    fn from(error: ReopenTaskError) -> Self {
        match error {
            ReopenTaskError::NotFound => not_found(),
            ReopenTaskError::Stale(stale) => stale.into(),
            ReopenTaskError::Transition(refused) => refused.into(),
            ReopenTaskError::Db(error) => error.into(),
        }
    }
}
