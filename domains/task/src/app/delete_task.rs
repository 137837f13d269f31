//! Deletes a task: its creator or an administrator does. Its `deleted` is the last event of its stream.

use crate::domain::Actor;
use crate::store;
use contracts::TaskId;
use db::{DbError, Tx};
use web::{IfMatch, Stale};

pub(crate) struct DeleteTask {
    pub(crate) task: TaskId,
    pub(crate) by: Actor,
    pub(crate) if_match: IfMatch,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum DeleteTaskError {
    #[error("no such task for this caller")]
    NotFound,
    #[error(transparent)]
    Stale(#[from] Stale),
    #[error("the assignee does not delete a task")]
    NotOwner,
    #[error(transparent)]
    Db(#[from] DbError),
}

pub(crate) async fn delete_task(tx: &mut Tx, cmd: &DeleteTask) -> Result<(), DeleteTaskError> {
    let mut task = store::get_for_update(tx, cmd.task, cmd.by).await?.ok_or(DeleteTaskError::NotFound)?;
    if !cmd.by.owns(&task) {
        return Err(DeleteTaskError::NotOwner);
    }
    cmd.if_match.require(task.version)?;
    outbox::emit(tx, task.deleted(), &mut task.stream);
    store::delete(tx, &task);
    Ok(())
}
