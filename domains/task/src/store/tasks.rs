//! Tasks, one at a time. Rule: `visible_to` is where every statement that looks for tasks on somebody's behalf begins,
//! so what the caller may not see is not found.

use super::{label_row, task_row};
use crate::domain::{Actor, Labels, Task};
use contracts::{TaskId, UserId};
use db::{DbError, Reader, Tx};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

/// The tasks that the caller made or is to do; for administrators all.
pub(super) fn visible_to(by: Actor) -> Select<task_row::Entity> {
    let find = task_row::Entity::find();
    if by.is_admin {
        return find;
    }
    let (creator, assignee) = (task_row::Column::CreatorId, task_row::Column::AssigneeId);
    find.filter(Condition::any().add(creator.eq(by.id.uuid())).add(assignee.eq(by.id.uuid())))
}

pub(crate) async fn get(reader: &Reader, id: TaskId, by: Actor) -> Result<Option<Task>, DbError> {
    let found = reader.one(visible_to(by).filter(task_row::Column::Id.eq(id.uuid()))).await?;
    found.map(Task::try_from).transpose()
}

/// Locks the row until the commit.
pub(crate) async fn get_for_update(tx: &mut Tx, id: TaskId, by: Actor) -> Result<Option<Task>, DbError> {
    let find = visible_to(by).filter(task_row::Column::Id.eq(id.uuid())).lock_exclusive();
    tx.one(find).await?.map(Task::try_from).transpose()
}

pub(crate) fn insert(tx: &mut Tx, task: &Task) {
    tx.push(task_row::Entity::insert(task_row::ActiveModel::from(task)));
    insert_labels(tx, task);
}

/// Raises the version in the value, too. It must still be the one that was read: the commit fails otherwise.
pub(crate) fn update(tx: &mut Tx, task: &mut Task) {
    let read = task.version;
    task.version += 1;
    // What never changes is not written: an index on it would be written, too.
    let row = task_row::ActiveModel { id: NotSet, creator_id: NotSet, created_at: NotSet, ..(&*task).into() };
    let row = task_row::Entity::update_many()
        .set(row)
        .filter(task_row::Column::Id.eq(task.id.uuid()))
        .filter(task_row::Column::Version.eq(read));
    tx.push(row);
}

/// For an update that changed the labels: the filter's side of it.
pub(crate) fn replace_labels(tx: &mut Tx, task: &Task, before: &Labels) {
    if !before.as_slice().is_empty() {
        tx.push(label_row::Entity::delete_many().filter(label_row::Column::TaskId.eq(task.id.uuid())));
    }
    insert_labels(tx, task);
}

/// The labels' rows go with the task's.
pub(crate) fn delete(tx: &mut Tx, task: &Task) {
    tx.push(task_row::Entity::delete_many().filter(task_row::Column::Id.eq(task.id.uuid())));
}

/// Tasks that a deleted user leaves: those to be done by the user, and the user's own that nobody is to do.
pub(crate) async fn tasks_to_forget(tx: &mut Tx, user: UserId, limit: u64) -> Result<Vec<Task>, DbError> {
    let (creator, assignee) = (task_row::Column::CreatorId, task_row::Column::AssigneeId);
    let unassigned = Condition::all().add(creator.eq(user.uuid())).add(assignee.is_null());
    let find = task_row::Entity::find()
        .filter(Condition::any().add(assignee.eq(user.uuid())).add(unassigned))
        .order_by_asc(task_row::Column::Id)
        .limit(limit)
        .lock_exclusive();
    tx.all(find).await?.into_iter().map(Task::try_from).collect()
}

fn insert_labels(tx: &mut Tx, task: &Task) {
    let rows: Vec<_> = task.labels.as_slice().iter().map(|label| label_row(label, task.id)).collect();
    if !rows.is_empty() {
        tx.push(label_row::Entity::insert_many(rows));
    }
}

fn label_row(label: &str, task: TaskId) -> label_row::ActiveModel {
    label_row::ActiveModel { label: Set(label.to_owned()), task_id: Set(task.uuid()) }
}
