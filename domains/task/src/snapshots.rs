//! What others can be told of tasks whose history they were not there for.

use crate::store;
use contracts::task::v1::TaskSnapshot;
use db::{DbError, Reader};
use outbox::{Living, Snapshots, State};

/// All snapshots of the domain.
pub(crate) fn snapshots() -> Snapshots {
    Snapshots::new().of(living_tasks)
}

async fn living_tasks(reader: Reader, living: Living) -> Result<Vec<State<TaskSnapshot>>, DbError> {
    let tasks = store::living(&reader, living).await?;
    Ok(tasks.into_iter().map(|task| (task.stream.clone(), task.snapshot())).collect())
}
