//! `PATCH /tasks/{id}`: a JSON Merge Patch. Null empties a field; title and status have no empty value.

use super::fields::{check_labels, instant};
use super::replace_task::CHANGES;
use super::{
    TaskState,
    task_view::{self, TaskView},
};
use crate::app::{self, UpdateTask};
use crate::domain::{Actor, Description, Edit, Labels, Task, Title};
use actix_web::{HttpResponse, web::Data};
use contracts::task::{Priority, Status};
use contracts::{CategoryId, TaskId, UserId};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use web::openapi::Operation;
use web::{Answer, Body, Call, FieldErrors, Id, Instant, NoParams, Params, Patch, Problem};

/// A JSON Merge Patch of a task.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "PatchTask")]
pub(super) struct PatchTaskBody {
    #[schemars(with = "Title")]
    title: Patch<String>,
    #[schemars(with = "Patch<Description>")]
    description: Patch<String>,
    #[schemars(with = "Status")]
    status: Patch<Status>,
    priority: Patch<Priority>,
    category_id: Patch<CategoryId>,
    #[schemars(with = "Patch<Labels>")]
    labels: Patch<Vec<String>>,
    assignee_id: Patch<UserId>,
    #[schemars(with = "Patch<Instant>")]
    due_at: Patch<String>,
    #[schemars(with = "Patch<Instant>")]
    remind_at: Patch<String>,
}

/// For the document.
pub(super) fn operation() -> Operation {
    Operation::new("patchTask", "Changes some fields of a task; null empties one")
        .tag("tasks")
        .signed_in()
        .body::<PatchTaskBody>(|| json!({ "status": "in_progress", "due_at": null }))
        .keyed()
        .if_match()
        .changed::<TaskView<'_>>(task_view::example)
        .problems(&CHANGES)
}

pub(super) async fn patch_task(
    state: Data<TaskState>,
    call: Call,
    Id(task): Id<TaskId>,
    _: Params<NoParams>,
    Body(body): Body<PatchTaskBody>,
) -> Result<HttpResponse, Problem> {
    let edit = body.parse()?;
    state.await_assignee(edit.assignee_id.flatten()).await?;
    let command = UpdateTask { task, edit, by: Actor::from(&call.caller), if_match: call.if_match };
    let answer = |task: &Task| Answer::ok(task.version, &TaskView::from(task));
    web::command(&state.db, &call, &command, app::update_task, answer).await
}

impl PatchTaskBody {
    fn parse(self) -> Result<Edit, Problem> {
        let mut errors = FieldErrors::new();
        let title = errors.check_patch_required("/title", self.title, Title::parse);
        let description = errors.check_patch("/description", self.description, Description::parse);
        let due_at = errors.check_patch("/due_at", self.due_at, instant);
        let remind_at = errors.check_patch("/remind_at", self.remind_at, instant);
        let labels = match self.labels {
            Patch::Absent => None,
            Patch::Null => Some(Labels::default()),
            Patch::Value(raw) => check_labels(&mut errors, raw),
        };
        if self.status == Patch::Null {
            errors.add("/status", "required", "must not be null");
        }
        errors.finish()?;
        Ok(Edit {
            title,
            description: description.into_nested(),
            status: self.status.into_value(),
            priority: self.priority.into_nested().map(|priority| priority.unwrap_or(Priority::None)),
            category_id: self.category_id.into_nested(),
            labels,
            assignee_id: self.assignee_id.into_nested(),
            due_at: due_at.into_nested(),
            remind_at: remind_at.into_nested(),
        })
    }
}
