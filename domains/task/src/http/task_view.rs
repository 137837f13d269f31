//! A task as a client sees it.

use crate::domain::Task;
use chrono::{DateTime, Utc};
use contracts::task::{Priority, Status};
use contracts::{CategoryId, TaskId, UserId};
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(super) struct TaskView<'a> {
    id: TaskId,
    title: &'a str,
    description: Option<&'a str>,
    status: Status,
    priority: Priority,
    category_id: Option<CategoryId>,
    labels: &'a [String],
    creator_id: UserId,
    assignee_id: Option<UserId>,
    due_at: Option<DateTime<Utc>>,
    remind_at: Option<DateTime<Utc>>,
    completed_at: Option<DateTime<Utc>>,
    completed_by: Option<UserId>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i64,
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
