//! Events of the task domain, version 1. Aggregate: `task`.

use crate::event::{Change, impl_event};
use crate::ids::{CategoryId, TaskId, UserId};
use crate::task::{Priority, Status};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

macro_rules! task_state {
    ($($(#[$doc:meta])* $name:ident $({ $($(#[$extra_doc:meta])* $extra:ident: $extra_type:ty,)+ })?;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub struct $name {
            /// The task.
            pub task_id: TaskId,
            /// Its title.
            pub title: String,
            /// Where it stands.
            pub status: Status,
            /// How pressing it is.
            pub priority: Priority,
            /// Who made it.
            pub creator_id: UserId,
            /// Who is to do it.
            pub assignee_id: Option<UserId>,
            /// The category it is filed under.
            pub category_id: Option<CategoryId>,
            /// When it should be done.
            pub due_at: Option<DateTime<Utc>>,
            $($($(#[$extra_doc])* pub $extra: $extra_type,)+)?
        }
    )+};
}

task_state! {
    /// A task was made.
    TaskCreated;
    /// Fields of a task changed.
    TaskUpdated {
        /// What changed.
        changes: Vec<Change>,
    };
    /// A task is gone; its stream ends here.
    TaskDeleted;
    /// A finished or cancelled task is open again.
    TaskReopened;
    /// How a task is, for whoever was not there for its history. No news: nothing has happened.
    TaskSnapshot {
        /// Who finished it, if it is finished.
        completed_by: Option<UserId>,
        /// When that was.
        completed_at: Option<DateTime<Utc>>,
    };
}

/// A task got an assignee, or another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TaskAssigned {
    /// The task.
    pub task_id: TaskId,
    /// Its title.
    pub title: String,
    /// Who is to do it now.
    pub assignee_id: UserId,
    /// Who said so.
    pub by: UserId,
}

/// A task was finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TaskCompleted {
    /// The task.
    pub task_id: TaskId,
    /// Its title.
    pub title: String,
    /// Who made it.
    pub creator_id: UserId,
    /// Who was to do it.
    pub assignee_id: Option<UserId>,
    /// Who finished it.
    pub completed_by: UserId,
    /// When.
    pub completed_at: DateTime<Utc>,
}

impl_event!("task" / "task":
    TaskCreated => "created",
    TaskUpdated => "updated",
    TaskDeleted => "deleted",
    TaskReopened => "reopened",
    TaskAssigned => "assigned",
    TaskCompleted => "completed",
    TaskSnapshot => "snapshot",
);
