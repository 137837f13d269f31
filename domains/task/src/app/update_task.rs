//! PUT and PATCH: sets fields, the status among them. Events: `updated`, then `completed` or `reopened`, then
//! `assigned`, each only when it happened.

use super::ReferenceError;
use super::references::{require_category, require_user};
use crate::domain::{Actor, Edit, EditError, Edited, Task};
use crate::store;
use contracts::TaskId;
use db::{DbError, Tx};
use web::{IfMatch, Stale};

pub(crate) struct UpdateTask {
    pub(crate) task: TaskId,
    pub(crate) edit: Edit,
    pub(crate) by: Actor,
    pub(crate) if_match: IfMatch,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum UpdateTaskError {
    #[error("no such task for this caller")]
    NotFound,
    #[error(transparent)]
    Stale(#[from] Stale),
    #[error(transparent)]
    Edit(#[from] EditError),
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    #[error(transparent)]
    Db(#[from] DbError),
}

pub(crate) async fn update_task(tx: &mut Tx, cmd: &UpdateTask) -> Result<Task, UpdateTaskError> {
    let mut task = store::get_for_update(tx, cmd.task, cmd.by).await?.ok_or(UpdateTaskError::NotFound)?;
    cmd.if_match.require(task.version)?;
    let edited = task.edit(&cmd.edit, cmd.by, tx.now())?;
    if edited.is_nothing() {
        return Ok(task);
    }
    require_user(tx, edited.assigned_to).await?;
    // A category is its owner's, also when an administrator does the filing.
    require_category(tx, edited.filed_under, task.creator_id).await?;
    tell(tx, &mut task, &edited, cmd.by);
    store::update(tx, &mut task);
    if let Some(before) = &edited.labels_before {
        store::replace_labels(tx, &task, before);
    }
    Ok(task)
}

fn tell(tx: &mut Tx, task: &mut Task, edited: &Edited, by: Actor) {
    if edited.is_more_than_a_transition() {
        outbox::emit(tx, task.updated(edited.changes.clone()), &mut task.stream);
    }
    if let Some(done) = edited.completed {
        outbox::emit(tx, task.completed(done), &mut task.stream);
    }
    if edited.reopened {
        outbox::emit(tx, task.reopened(), &mut task.stream);
    }
    if let Some(assignee) = edited.assigned_to {
        outbox::emit(tx, task.assigned(assignee, by.id), &mut task.stream);
    }
}
