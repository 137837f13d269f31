//! What others hear of a task: the payloads of its events, from the task as it stands after the change.

use super::{Completion, Task};
use contracts::task::v1;
use contracts::{Change, UserId};

macro_rules! state {
    ($payload:ident of $task:expr $(, $extra:ident)*) => {
        v1::$payload {
            task_id: $task.id,
            title: $task.title.as_str().to_owned(),
            status: $task.status,
            priority: $task.priority,
            creator_id: $task.creator_id,
            assignee_id: $task.assignee_id,
            category_id: $task.category_id,
            due_at: $task.due_at,
            $($extra,)*
        }
    };
}

impl Task {
    pub(crate) fn created(&self) -> v1::TaskCreated {
        state!(TaskCreated of self)
    }

    pub(crate) fn updated(&self, changes: Vec<Change>) -> v1::TaskUpdated {
        state!(TaskUpdated of self, changes)
    }

    pub(crate) fn deleted(&self) -> v1::TaskDeleted {
        state!(TaskDeleted of self)
    }

    pub(crate) fn reopened(&self) -> v1::TaskReopened {
        state!(TaskReopened of self)
    }

    pub(crate) fn snapshot(&self) -> v1::TaskSnapshot {
        let (completed_by, completed_at) = (self.completion.map(|done| done.by), self.completion.map(|done| done.at));
        state!(TaskSnapshot of self, completed_by, completed_at)
    }

    pub(crate) fn assigned(&self, to: UserId, by: UserId) -> v1::TaskAssigned {
        v1::TaskAssigned { task_id: self.id, title: self.title.as_str().to_owned(), assignee_id: to, by }
    }

    pub(crate) fn completed(&self, done: Completion) -> v1::TaskCompleted {
        v1::TaskCompleted {
            task_id: self.id,
            title: self.title.as_str().to_owned(),
            creator_id: self.creator_id,
            assignee_id: self.assignee_id,
            completed_by: done.by,
            completed_at: done.at,
        }
    }
}
