//! `POST /tasks`.

use super::fields::{check_labels, instant};
use super::{
    TaskState,
    task_view::{self, TaskView},
};
use crate::app::{self, CreateTask, CreateTaskError};
use crate::domain::{Actor, Description, Labels, NewTask, Task, Title};
use actix_web::{HttpResponse, web::Data};
use contracts::task::Priority;
use contracts::{CategoryId, UserId};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use web::openapi::Operation;
use web::{Answer, Body, Call, FieldErrors, Instant, NoParams, Params, Problem, ProblemCode};

/// A new task.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CreateTask")]
pub(super) struct CreateTaskBody {
    /// What is to be done.
    #[schemars(with = "Title")]
    pub(super) title: String,
    #[schemars(with = "Option<Description>")]
    pub(super) description: Option<String>,
    pub(super) priority: Option<Priority>,
    pub(super) category_id: Option<CategoryId>,
    #[schemars(with = "Option<Labels>")]
    pub(super) labels: Option<Vec<String>>,
    /// Who is to do it.
    pub(super) assignee_id: Option<UserId>,
    #[schemars(with = "Option<Instant>")]
    pub(super) due_at: Option<String>,
    #[schemars(with = "Option<Instant>")]
    pub(super) remind_at: Option<String>,
}

/// For the document.
pub(super) fn operation() -> Operation {
    Operation::new("createTask", "Makes a task")
        .tag("tasks")
        .signed_in()
        .body::<CreateTaskBody>(|| json!({ "title": "Write the plan", "priority": "high", "labels": ["office"] }))
        .keyed()
        .created::<TaskView<'_>>(task_view::example)
        .problems(&[ProblemCode::UnknownUser, ProblemCode::UnknownCategory])
}

pub(super) async fn create_task(
    state: Data<TaskState>,
    call: Call,
    _: Params<NoParams>,
    Body(body): Body<CreateTaskBody>,
) -> Result<HttpResponse, Problem> {
    let command = CreateTask { task: body.parse()?, by: Actor::from(&call.caller) };
    state.await_assignee(command.task.assignee_id).await?;
    let answer =
        |task: &Task| Answer::created(&format!("/api/v1/tasks/{}", task.id), task.version, &TaskView::from(task));
    web::command(&state.db, &call, &command, app::create_task, answer).await
}

impl CreateTaskBody {
    pub(super) fn parse(self) -> Result<NewTask, Problem> {
        let mut errors = FieldErrors::new();
        let title = errors.check("/title", Title::parse(self.title));
        let description = errors.check_optional("/description", self.description, Description::parse);
        let labels = check_labels(&mut errors, self.labels.unwrap_or_default());
        let due_at = errors.check_optional("/due_at", self.due_at, instant);
        let remind_at = errors.check_optional("/remind_at", self.remind_at, instant);
        let (Some(title), Some(labels), true) = (title, labels, errors.is_empty()) else {
            return Err(errors.into_problem());
        };
        Ok(NewTask {
            title,
            description,
            priority: self.priority.unwrap_or(Priority::None),
            category_id: self.category_id,
            labels,
            assignee_id: self.assignee_id,
            due_at,
            remind_at,
        })
    }
}

impl From<CreateTaskError> for Problem {
    fn from(error: CreateTaskError) -> Self {
        match error {
            CreateTaskError::Reference(error) => error.into(),
            CreateTaskError::Db(error) => error.into(),
        }
    }
}
