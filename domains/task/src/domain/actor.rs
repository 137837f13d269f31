//! Who asks. Rule: what somebody may see or write is decided from these two facts and the task, nowhere else.

use super::Task;
use contracts::UserId;

/// The caller of a use-case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Actor {
    pub(crate) id: UserId,
    pub(crate) is_admin: bool,
}

impl Actor {
    /// The creator and administrators write every field and delete; the assignee, who sees the task too, moves its
    /// status only.
    pub(crate) fn owns(self, task: &Task) -> bool {
        self.is_admin || self.id == task.creator_id
    }
}
