//! A task as a client sees it.

use crate::domain::Task;
use chrono::{DateTime, Utc};
use contracts::task::{Priority, Status};
use contracts::{CategoryId, TaskId, UserId};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

/// A piece of work.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Task")]
pub(super) struct TaskView<'a> {
    id: TaskId,
    title: &'a str,
    description: Option<&'a str>,
    status: Status,
    priority: Priority,
    category_id: Option<CategoryId>,
    labels: &'a [String],
    /// Who made it.
    creator_id: UserId,
    /// Who is to do it.
    assignee_id: Option<UserId>,
    due_at: Option<DateTime<Utc>>,
    remind_at: Option<DateTime<Utc>>,
    completed_at: Option<DateTime<Utc>>,
    completed_by: Option<UserId>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    /// Raised by every change; the ETag says it too.
    #[schemars(range(min = 1))]
    version: i64,
}

/// For the document.
pub(super) fn example() -> Value {
    json!({
        "id": "019b76da-a800-74e2-b496-ed8a6cd71049",
        "title": "Write the plan",
        "description": null,
        "status": "todo",
        "priority": "high",
        "category_id": null,
        "labels": ["office"],
        "creator_id": "019b76da-a800-7172-980b-52245ebc6f81",
        "assignee_id": "019b76da-a800-7172-980b-52264a842b90",
        "due_at": "2026-01-31T09:00:00Z",
        "remind_at": null,
        "completed_at": null,
        "completed_by": null,
        "created_at": "2026-01-01T00:00:00.000187Z",
        "updated_at": "2026-01-01T00:00:00.000187Z",
        "version": 1,
    })
}

/// A page of one.
pub(super) fn page_example() -> Value {
    json!({ "items": [example()], "next_cursor": null })
}

impl<'a> From<&'a Task> for TaskView<'a> {
    fn from(task: &'a Task) -> Self {
        Self {
            id: task.id,
            title: task.title.as_str(),
            description: task.description.as_ref().map(|text| text.as_str()),
            status: task.status,
            priority: task.priority,
            category_id: task.category_id,
            labels: task.labels.as_slice(),
            creator_id: task.creator_id,
            assignee_id: task.assignee_id,
            due_at: task.due_at,
            remind_at: task.remind_at,
            completed_at: task.completion.map(|done| done.at),
            completed_by: task.completion.map(|done| done.by),
            created_at: task.created_at,
            updated_at: task.updated_at,
            version: task.version,
        }
    }
}
