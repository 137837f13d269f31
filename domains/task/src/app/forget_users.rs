//! Works through the tasks of deleted users. Rule: a batch a transaction, and what is left to do is read from the tasks
//! themselves, so it may stop anywhere, run twice, and goes on after a restart.

use crate::domain::Task;
use crate::store::{self, Erasure};
use contracts::{Change, UserId};
use db::{Context, Db, DbError, Tx};
use serde_json::Value;

/// Tasks changed in one transaction, so that nobody waits long for their turn to write.
const BATCH: u64 = 500;

/// Until nothing is left to do.
pub(crate) async fn forget_users(db: Db) -> Result<(), DbError> {
    while let Some(erasure) = store::next_erasure(db.reader()).await? {
        // What follows from the deletion says so: the same correlation, and the event as the cause.
        let context = Context {
            caller: None,
            correlation_id: erasure.correlation_id.clone(),
            causation_id: Some(erasure.event_id),
            traceparent: None,
        };
        while let Left::Tasks = db.write(&context, &erasure, forget_some).await? {}
    }
    Ok(())
}

/// What a batch leaves.
#[derive(Debug, Clone, Copy)]
enum Left {
    Tasks,
    Nothing,
}

/// Nobody is to do what the user was to do; the user's own tasks go, but those that somebody else is to do stay, and
/// administrators own them.
async fn forget_some(tx: &mut Tx, erasure: &Erasure) -> Result<Left, DbError> {
    let tasks = store::tasks_to_forget(tx, erasure.user, BATCH).await?;
    if tasks.is_empty() {
        store::delete_empty_categories(tx, erasure.user).await?;
        store::finish_erasure(tx, erasure.user).await?;
        return Ok(Left::Nothing);
    }
    for task in tasks {
        if task.creator_id == erasure.user { delete(tx, task) } else { unassign(tx, task, erasure.user) }
    }
    Ok(Left::Tasks)
}

fn delete(tx: &mut Tx, mut task: Task) {
    outbox::emit(tx, task.deleted(), &mut task.stream);
    store::delete(tx, &task);
}

fn unassign(tx: &mut Tx, mut task: Task, user: UserId) {
    task.unassign(tx.now());
    let change = Change { field: "assignee_id".to_owned(), from: Value::from(user.to_string()), to: Value::Null };
    outbox::emit(tx, task.updated(vec![change]), &mut task.stream);
    store::update(tx, &mut task);
}
