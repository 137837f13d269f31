//! Finishes a task. The slice to read first: `http/complete_task.rs` calls this, `domain/task.rs` has the rule,
//! `store/tasks.rs` the rows, and the notification domain hears `task.completed`.

use crate::domain::{Actor, InvalidTransition, Task};
use crate::store;
use contracts::TaskId;
use db::{DbError, Tx};
use web::{IfMatch, Stale};

pub(crate) struct CompleteTask {
    pub(crate) task: TaskId,
    pub(crate) by: Actor,
    pub(crate) if_match: IfMatch,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum CompleteTaskError {
    #[error("no such task for this caller")]
    NotFound,
    #[error(transparent)]
    Stale(#[from] Stale),
    #[error(transparent)]
    Transition(#[from] InvalidTransition),
    #[error(transparent)]
    Db(#[from] DbError),
}

pub(crate) async fn complete_task(tx: &mut Tx, cmd: &CompleteTask) -> Result<Task, CompleteTaskError> {
    let mut task = store::get_for_update(tx, cmd.task, cmd.by).await?.ok_or(CompleteTaskError::NotFound)?;
    cmd.if_match.require(task.version)?; // a stale If-Match: 412
    if let Some(done) = task.complete(cmd.by, tx.now())? {
        outbox::emit(tx, task.completed(done), &mut task.stream); // takes the next sequence, pushes the row
        store::update(tx, &mut task); // raises the version in the value; pushes fields, version and sequence
    }
    Ok(task)
}
