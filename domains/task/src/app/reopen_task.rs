//! Opens a finished or cancelled task again.

use crate::domain::{Actor, InvalidTransition, Task};
use crate::store;
use contracts::TaskId;
use db::{DbError, Tx};
use web::{IfMatch, Stale};

pub(crate) struct ReopenTask {
    pub(crate) task: TaskId,
    pub(crate) by: Actor,
    pub(crate) if_match: IfMatch,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ReopenTaskError {
    #[error("no such task for this caller")]
    NotFound,
    #[error(transparent)]
    Stale(#[from] Stale),
    #[error(transparent)]
    Transition(#[from] InvalidTransition),
    #[error(transparent)]
    Db(#[from] DbError),
}

pub(crate) async fn reopen_task(tx: &mut Tx, cmd: &ReopenTask) -> Result<Task, ReopenTaskError> {
    let mut task = store::get_for_update(tx, cmd.task, cmd.by).await?.ok_or(ReopenTaskError::NotFound)?;
    cmd.if_match.require(task.version)?;
    task.reopen(cmd.by, tx.now())?;
    outbox::emit(tx, task.reopened(), &mut task.stream);
    store::update(tx, &mut task);
    Ok(task)
}
