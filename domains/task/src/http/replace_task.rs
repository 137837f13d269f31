//! `PUT /tasks/{id}`: every writable field; one that is absent is emptied. Only the status stays when it is absent: it
//! is moved by its own rules and has no empty value.

use super::{
    TaskState,
    create_task::CreateTaskBody,
    problems::not_found,
    task_view::{self, TaskView},
};
use crate::app::{self, UpdateTask, UpdateTaskError};
use crate::domain::{Actor, Description, Edit, EditError, Labels, Task, Title};
use actix_web::{HttpResponse, web::Data};
use contracts::task::{Priority, Status};
use contracts::{CategoryId, TaskId, UserId};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use web::openapi::Operation;
use web::{Answer, Body, Call, Id, Instant, NoParams, Params, Problem, ProblemCode};

/// A task as it shall be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ReplaceTask")]
pub(super) struct ReplaceTaskBody {
    #[schemars(with = "Title")]
    title: String,
    #[schemars(with = "Option<Description>")]
    description: Option<String>,
    status: Option<Status>,
    priority: Option<Priority>,
    category_id: Option<CategoryId>,
    #[schemars(with = "Option<Labels>")]
    labels: Option<Vec<String>>,
    assignee_id: Option<UserId>,
    #[schemars(with = "Option<Instant>")]
    due_at: Option<String>,
    #[schemars(with = "Option<Instant>")]
    remind_at: Option<String>,
}

/// For the document.
pub(super) fn operation() -> Operation {
    Operation::new("replaceTask", "Replaces every field of a task; only the status stays when it is left out")
        .tag("tasks")
        .signed_in()
        .body::<ReplaceTaskBody>(|| json!({ "title": "Write the plan", "status": "in_progress", "labels": [] }))
        .if_match()
        .changed::<TaskView<'_>>(task_view::example)
        .problems(&CHANGES)
}

/// What stands in the way of a change, whoever asks for it and how.
pub(super) const CHANGES: [ProblemCode; 4] =
    [ProblemCode::Forbidden, ProblemCode::InvalidTransition, ProblemCode::UnknownUser, ProblemCode::UnknownCategory];

pub(super) async fn replace_task(
    state: Data<TaskState>,
    call: Call,
    Id(task): Id<TaskId>,
    _: Params<NoParams>,
    Body(body): Body<ReplaceTaskBody>,
) -> Result<HttpResponse, Problem> {
    let edit = body.parse()?;
    state.await_assignee(edit.assignee_id.flatten()).await?;
    let command = UpdateTask { task, edit, by: Actor::from(&call.caller), if_match: call.if_match };
    let answer = |task: &Task| Answer::ok(task.version, &TaskView::from(task));
    web::command(&state.db, &call, &command, app::update_task, answer).await
}

impl ReplaceTaskBody {
    fn parse(self) -> Result<Edit, Problem> {
        let Self { title, description, status, priority, category_id, labels, assignee_id, due_at, remind_at } = self;
        // The rules of the fields are those of a new task.
        let body = CreateTaskBody { title, description, priority, category_id, labels, assignee_id, due_at, remind_at };
        let new = body.parse()?;
        Ok(Edit {
            title: Some(new.title),
            description: Some(new.description),
            status,
            priority: Some(new.priority),
            category_id: Some(new.category_id),
            labels: Some(new.labels),
            assignee_id: Some(new.assignee_id),
            due_at: Some(new.due_at),
            remind_at: Some(new.remind_at),
        })
    }
}

impl From<UpdateTaskError> for Problem {
    fn from(error: UpdateTaskError) -> Self {
        match error {
            UpdateTaskError::NotFound => not_found(),
            UpdateTaskError::Stale(stale) => stale.into(),
            UpdateTaskError::Edit(refused @ EditError::NotOwner) => {
                Self::new(ProblemCode::Forbidden).detail(refused.to_string())
            }
            UpdateTaskError::Edit(EditError::Transition(refused)) => refused.into(),
            UpdateTaskError::Reference(error) => error.into(),
            UpdateTaskError::Db(error) => error.into(),
        }
    }
}
