//! Makes a task; whoever asks is its creator.

use super::ReferenceError;
use super::references::{require_category, require_user};
use crate::domain::{Actor, NewTask, Task};
use crate::store;
use contracts::TaskId;
use db::{DbError, Tx};

pub(crate) struct CreateTask {
    pub(crate) task: NewTask,
    pub(crate) by: Actor,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum CreateTaskError {
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    #[error(transparent)]
    Db(#[from] DbError),
}

pub(crate) async fn create_task(tx: &mut Tx, cmd: &CreateTask) -> Result<Task, CreateTaskError> {
    require_user(tx, cmd.task.assignee_id).await?;
    require_category(tx, cmd.task.category_id, cmd.by.id).await?;
    let mut task = Task::new(TaskId(tx.new_id()), cmd.task.clone(), cmd.by.id, tx.now());
    outbox::emit(tx, task.created(), &mut task.stream);
    if let Some(assignee) = task.assignee_id {
        outbox::emit(tx, task.assigned(assignee, cmd.by.id), &mut task.stream);
    }
    store::insert(tx, &task);
    Ok(task)
}
