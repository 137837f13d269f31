//! A task and what can happen to it. Rule: every change goes through a method here, which says whether anything
//! changed; who asks has been let in by the finder before.

use super::{Actor, Description, InvalidTransition, Labels, Title, status};
use chrono::{DateTime, Utc};
use contracts::task::{Priority, Status};
use contracts::{CategoryId, Stream, TaskId, UserId};

/// A piece of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Task {
    pub(crate) id: TaskId,
    pub(crate) title: Title,
    pub(crate) description: Option<Description>,
    pub(crate) status: Status,
    pub(crate) priority: Priority,
    pub(crate) category_id: Option<CategoryId>,
    pub(crate) labels: Labels,
    pub(crate) creator_id: UserId,
    pub(crate) assignee_id: Option<UserId>,
    pub(crate) due_at: Option<DateTime<Utc>>,
    pub(crate) remind_at: Option<DateTime<Utc>>,
    /// There while the task is done.
    pub(crate) completion: Option<Completion>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) version: i64,
    /// The task's events so far.
    pub(crate) stream: Stream,
}

/// Who finished a task, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Completion {
    pub(crate) by: UserId,
    pub(crate) at: DateTime<Utc>,
}

/// What a task is made from.
#[derive(Debug, Clone)]
pub(crate) struct NewTask {
    pub(crate) title: Title,
    pub(crate) description: Option<Description>,
    pub(crate) priority: Priority,
    pub(crate) category_id: Option<CategoryId>,
    pub(crate) labels: Labels,
    pub(crate) assignee_id: Option<UserId>,
    pub(crate) due_at: Option<DateTime<Utc>>,
    pub(crate) remind_at: Option<DateTime<Utc>>,
}

impl Task {
    /// A task that nobody has begun.
    pub(crate) fn new(id: TaskId, new: NewTask, creator: UserId, now: DateTime<Utc>) -> Self {
        Self {
            id,
            title: new.title,
            description: new.description,
            status: Status::Todo,
            priority: new.priority,
            category_id: new.category_id,
            labels: new.labels,
            creator_id: creator,
            assignee_id: new.assignee_id,
            due_at: new.due_at,
            remind_at: new.remind_at,
            completion: None,
            created_at: now,
            updated_at: now,
            version: 1,
            stream: Stream::new("task", id.uuid()),
        }
    }

    /// Finishes the task. `None`: it was done already, which is what was asked for.
    pub(crate) fn complete(&mut self, by: Actor, now: DateTime<Utc>) -> Result<Option<Completion>, InvalidTransition> {
        if self.status == Status::Done {
            return Ok(None);
        }
        self.go(Status::Done, by, now)?;
        Ok(self.completion)
    }

    /// Opens a finished or cancelled task again; one that is open cannot be opened.
    pub(crate) fn reopen(&mut self, by: Actor, now: DateTime<Utc>) -> Result<(), InvalidTransition> {
        match self.status {
            Status::Done | Status::Cancelled => self.go(Status::Todo, by, now),
            from @ (Status::Todo | Status::InProgress) => Err(InvalidTransition { from, to: Status::Todo }),
        }
    }

    /// Takes the task from its assignee.
    pub(crate) fn unassign(&mut self, now: DateTime<Utc>) {
        self.assignee_id = None;
        self.updated_at = now;
    }

    /// The one way a status changes: a task is done exactly as long as it knows who did it.
    pub(super) fn go(&mut self, to: Status, by: Actor, now: DateTime<Utc>) -> Result<(), InvalidTransition> {
        status::check(self.status, to)?;
        self.status = to;
        self.completion = (to == Status::Done).then_some(Completion { by: by.id, at: now });
        self.updated_at = now;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::testing::{anna, ben, later, task};
    use crate::domain::{Completion, InvalidTransition};
    use contracts::task::Status;

    #[test]
    fn completing_notes_who_and_when() {
        let mut task = task();
        let done = Completion { by: ben().id, at: later() };
        assert_eq!(task.complete(ben(), later()), Ok(Some(done)));
        assert_eq!((task.status, task.completion, task.updated_at), (Status::Done, Some(done), later()));
    }

    #[test]
    fn completing_what_is_done_changes_nothing() {
        let mut task = task();
        task.complete(ben(), later()).unwrap();
        let before = task.clone();
        assert_eq!(task.complete(anna(), later()), Ok(None));
        assert_eq!(task, before);
    }

    #[test]
    fn a_cancelled_task_cannot_be_completed_but_reopened() {
        let mut task = task();
        task.go(Status::Cancelled, anna(), later()).unwrap();
        let refused = InvalidTransition { from: Status::Cancelled, to: Status::Done };
        assert_eq!(task.complete(anna(), later()), Err(refused));
        assert_eq!(task.reopen(anna(), later()), Ok(()));
        assert_eq!(task.status, Status::Todo);
    }

    #[test]
    fn reopening_forgets_the_completion_and_needs_one() {
        let mut task = task();
        task.complete(ben(), later()).unwrap();
        task.reopen(anna(), later()).unwrap();
        assert_eq!((task.status, task.completion), (Status::Todo, None));
        let refused = InvalidTransition { from: Status::Todo, to: Status::Todo };
        assert_eq!(task.reopen(anna(), later()), Err(refused));
    }
}
