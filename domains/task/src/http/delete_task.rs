//! `DELETE /tasks/{id}`.

use super::{TaskState, problems::not_found};
use crate::app::{self, DeleteTask, DeleteTaskError};
use crate::domain::Actor;
use actix_web::{HttpResponse, web::Data};
use contracts::TaskId;
use web::openapi::Operation;
use web::{Answer, Call, FreshCaller, Id, NoParams, Params, Problem, ProblemCode};

/// For the document.
pub(super) fn operation() -> Operation {
    Operation::new("deleteTask", "Deletes a task")
        .tag("tasks")
        .signed_in()
        .if_match()
        .no_content()
        .problem(ProblemCode::Forbidden)
}

pub(super) async fn delete_task(
    state: Data<TaskState>,
    call: Call,
    _: FreshCaller,
    Id(task): Id<TaskId>,
    _: Params<NoParams>,
) -> Result<HttpResponse, Problem> {
    let command = DeleteTask { task, by: Actor::from(&call.caller), if_match: call.if_match };
    web::command(&state.db, &call, &command, app::delete_task, |()| Answer::no_content()).await
}

impl From<DeleteTaskError> for Problem {
    fn from(error: DeleteTaskError) -> Self {
        match error {
            DeleteTaskError::NotFound => not_found(),
            DeleteTaskError::Stale(stale) => stale.into(),
            DeleteTaskError::NotOwner => {
                Self::new(ProblemCode::Forbidden).detail("the assignee does not delete a task")
            }
            DeleteTaskError::Db(error) => error.into(),
        }
    }
}
