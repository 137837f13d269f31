//! PUT and PATCH as one rule. Rule: what counts is what differs afterwards, so saying a value again is no change, and
//! may be said by who could not change it.

use super::shown::Shown;
use super::{Actor, Completion, Description, InvalidTransition, Labels, Task, Title};
use chrono::{DateTime, Utc};
use contracts::task::{Priority, Status};
use contracts::{CategoryId, Change, UserId};

/// The name of the one field that the assignee writes too.
const STATUS: &str = "status";

/// The wanted values; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Edit {
    pub(crate) title: Option<Title>,
    pub(crate) description: Option<Option<Description>>,
    pub(crate) status: Option<Status>,
    pub(crate) priority: Option<Priority>,
    pub(crate) category_id: Option<Option<CategoryId>>,
    pub(crate) labels: Option<Labels>,
    pub(crate) assignee_id: Option<Option<UserId>>,
    pub(crate) due_at: Option<Option<DateTime<Utc>>>,
    pub(crate) remind_at: Option<Option<DateTime<Utc>>>,
}

/// What an edit did, and so which events it makes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Edited {
    /// Every field that differs; empty: nothing happened.
    pub(crate) changes: Vec<Change>,
    /// The status entered `done`.
    pub(crate) completed: Option<Completion>,
    /// The status left `done`.
    pub(crate) reopened: bool,
    /// Somebody else is to do it now.
    pub(crate) assigned_to: Option<UserId>,
    /// It was filed under another category.
    pub(crate) filed_under: Option<CategoryId>,
    /// The labels before, if they are others now.
    pub(crate) labels_before: Option<Labels>,
}

/// Why an edit is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EditError {
    #[error("the assignee changes the status only")]
    NotOwner,
    #[error(transparent)]
    Transition(#[from] InvalidTransition),
}

impl Edited {
    pub(crate) const fn is_nothing(&self) -> bool {
        self.changes.is_empty()
    }

    /// False when the only change is a status that `completed` or `reopened` tells by itself.
    pub(crate) fn is_more_than_a_transition(&self) -> bool {
        let told = self.completed.is_some() || self.reopened;
        self.changes.iter().any(|change| !told || change.field != STATUS)
    }
}

impl Task {
    /// Applies the wanted values; refused as a whole or not at all.
    pub(crate) fn edit(&mut self, edit: &Edit, by: Actor, now: DateTime<Utc>) -> Result<Edited, EditError> {
        let mut after = self.clone();
        let mut changes = after.replace_fields(edit);
        if !changes.is_empty() && !by.owns(self) {
            return Err(EditError::NotOwner);
        }
        if let Some(to) = edit.status.filter(|to| *to != self.status) {
            after.go(to, by, now)?;
            changes.push(Change { field: STATUS.to_owned(), from: self.status.shown(), to: to.shown() });
        }
        let edited = Edited {
            completed: after.completion.filter(|_| self.completion.is_none()),
            reopened: self.status == Status::Done && after.status != Status::Done,
            assigned_to: after.assignee_id.filter(|_| after.assignee_id != self.assignee_id),
            filed_under: after.category_id.filter(|_| after.category_id != self.category_id),
            labels_before: (after.labels != self.labels).then(|| self.labels.clone()),
            changes,
        };
        if !edited.is_nothing() {
            after.updated_at = now;
            *self = after;
        }
        Ok(edited)
    }

    /// Every field but the status, which has a rule of its own.
    fn replace_fields(&mut self, edit: &Edit) -> Vec<Change> {
        let mut changes = Vec::new();
        replace("title", &mut self.title, edit.title.as_ref(), &mut changes);
        replace("description", &mut self.description, edit.description.as_ref(), &mut changes);
        replace("priority", &mut self.priority, edit.priority.as_ref(), &mut changes);
        replace("category_id", &mut self.category_id, edit.category_id.as_ref(), &mut changes);
        replace("labels", &mut self.labels, edit.labels.as_ref(), &mut changes);
        replace("assignee_id", &mut self.assignee_id, edit.assignee_id.as_ref(), &mut changes);
        replace("due_at", &mut self.due_at, edit.due_at.as_ref(), &mut changes);
        replace("remind_at", &mut self.remind_at, edit.remind_at.as_ref(), &mut changes);
        changes
    }
}

fn replace<T: Clone + PartialEq + Shown>(field: &str, slot: &mut T, wanted: Option<&T>, changes: &mut Vec<Change>) {
    let Some(wanted) = wanted.filter(|wanted| *wanted != slot) else { return };
    changes.push(Change { field: field.to_owned(), from: slot.shown(), to: wanted.shown() });
    slot.clone_from(wanted);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::testing::{anna, ben, later, root, task};
    use serde_json::json;

    fn status(status: Status) -> Edit {
        Edit { status: Some(status), ..Edit::default() }
    }

    fn title(title: &str) -> Edit {
        Edit { title: Some(Title::stored(title.to_owned())), ..Edit::default() }
    }

    #[test]
    fn what_differs_is_told_with_both_values() {
        let mut task = task();
        let edit = Edit { due_at: Some(Some(later())), priority: Some(Priority::High), ..title("Buy tea") };
        let edited = task.edit(&edit, anna(), later()).unwrap();
        let told: Vec<_> = edited.changes.iter().map(|c| (c.field.as_str(), c.from.clone(), c.to.clone())).collect();
        assert_eq!(
            told,
            [
                ("title", json!("Buy milk"), json!("Buy tea")),
                ("priority", json!("none"), json!("high")),
                ("due_at", json!(null), json!("2026-01-02T04:00:00Z")),
            ]
        );
        assert!(edited.is_more_than_a_transition());
        assert_eq!(task.updated_at, later());
    }

    #[test]
    fn the_same_values_again_are_no_change() {
        let mut task = task();
        let before = task.clone();
        let edit = Edit { status: Some(Status::Todo), assignee_id: Some(Some(ben().id)), ..title("Buy milk") };
        for by in [anna(), ben()] {
            assert!(task.edit(&edit, by, later()).unwrap().is_nothing());
            assert_eq!(task, before);
        }
    }

    #[test]
    fn the_assignee_moves_the_status_only() {
        let mut task = task();
        let before = task.clone();
        let both = Edit { status: Some(Status::Done), ..title("Mine") };
        for edit in [title("Mine"), both, Edit { assignee_id: Some(None), ..Edit::default() }] {
            assert_eq!(task.edit(&edit, ben(), later()), Err(EditError::NotOwner));
            assert_eq!(task, before);
        }
        assert!(task.edit(&status(Status::InProgress), ben(), later()).is_ok());
        assert!(task.edit(&title("Ours"), root(), later()).is_ok());
    }

    #[test]
    fn entering_and_leaving_done_is_told_by_its_own_event_alone() {
        let mut task = task();
        let edited = task.edit(&status(Status::Done), ben(), later()).unwrap();
        assert_eq!(edited.completed, Some(Completion { by: ben().id, at: later() }));
        assert!(!edited.is_more_than_a_transition());
        let edited = task.edit(&status(Status::Todo), anna(), later()).unwrap();
        assert!(edited.reopened && edited.completed.is_none() && !edited.is_more_than_a_transition());
        assert_eq!(task.completion, None);
    }

    #[test]
    fn other_steps_are_updates() {
        let mut task = task();
        for to in [Status::InProgress, Status::Cancelled, Status::Todo] {
            let edited = task.edit(&status(to), anna(), later()).unwrap();
            assert!(edited.is_more_than_a_transition() && edited.completed.is_none() && !edited.reopened);
        }
    }

    #[test]
    fn a_refused_step_leaves_the_other_fields_alone() {
        let mut task = task();
        task.complete(ben(), later()).unwrap();
        let before = task.clone();
        let edit = Edit { status: Some(Status::Cancelled), ..title("Buy tea") };
        let refused = InvalidTransition { from: Status::Done, to: Status::Cancelled };
        assert_eq!(task.edit(&edit, anna(), later()), Err(EditError::Transition(refused)));
        assert_eq!(task, before);
    }

    #[test]
    fn only_a_new_assignee_is_assigned() {
        let mut task = task();
        let to = |assignee| Edit { assignee_id: Some(assignee), ..Edit::default() };
        assert_eq!(task.edit(&to(None), anna(), later()).unwrap().assigned_to, None);
        assert_eq!(task.edit(&to(Some(ben().id)), anna(), later()).unwrap().assigned_to, Some(ben().id));
        assert_eq!(task.edit(&to(Some(ben().id)), anna(), later()).unwrap().assigned_to, None);
    }
}
