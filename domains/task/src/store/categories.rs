//! Categories. Rule: `visible_to` is where every look-up on somebody's behalf begins.

use super::category_row::{ActiveModel, Column, Entity};
use super::task_row;
use crate::domain::{Actor, Category};
use contracts::{CategoryId, UserId};
use db::{DbError, Reader, Tx};
use sea_orm::ActiveValue::NotSet;
use sea_orm::sea_query::{Expr, Order, Query};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect, Select};
use web::{Page, Paging, Problem};

/// The caller's own; for administrators all.
fn visible_to(by: Actor) -> Select<Entity> {
    let find = Entity::find();
    if by.is_admin { find } else { find.filter(Column::OwnerId.eq(by.id.uuid())) }
}

pub(crate) async fn get_category(reader: &Reader, id: CategoryId, by: Actor) -> Result<Option<Category>, DbError> {
    Ok(reader.one(visible_to(by).filter(Column::Id.eq(id.uuid()))).await?.map(Category::from))
}

/// The owner's, by name.
pub(crate) async fn list_categories(
    reader: &Reader,
    owner: UserId,
    paging: &Paging,
) -> Result<Page<Category>, Problem> {
    let keyset = paging.ordered_by::<Entity>(Column::Name, Order::Asc, Column::Id)?;
    let rows = reader.all(keyset.select(Entity::find().filter(Column::OwnerId.eq(owner.uuid())))).await?;
    keyset.page(rows, Category::from)
}

/// Locks the row until the commit.
pub(crate) async fn get_category_for_update(
    tx: &mut Tx,
    id: CategoryId,
    by: Actor,
) -> Result<Option<Category>, DbError> {
    let find = visible_to(by).filter(Column::Id.eq(id.uuid())).lock_exclusive();
    Ok(tx.one(find).await?.map(Category::from))
}

/// The owner has it. Locks the row against a deletion until the commit.
pub(crate) async fn has_category(tx: &mut Tx, id: CategoryId, owner: UserId) -> Result<bool, DbError> {
    let find = Entity::find_by_id(id.uuid()).filter(Column::OwnerId.eq(owner.uuid())).lock_shared();
    Ok(tx.one(find).await?.is_some())
}

/// Executed at once, so that a name that is taken is told to who gave it.
pub(crate) async fn insert_category(tx: &mut Tx, category: &Category) -> Result<(), DbError> {
    tx.run(Entity::insert(ActiveModel::from(category))).await.map(drop)
}

/// Raises the version in the value, too.
pub(crate) async fn update_category(tx: &mut Tx, category: &mut Category) -> Result<(), DbError> {
    let read = category.version;
    category.version += 1;
    let row = ActiveModel { id: NotSet, owner_id: NotSet, created_at: NotSet, ..(&*category).into() };
    let row = Entity::update_many().set(row).filter(Column::Id.eq(category.id.uuid())).filter(Column::Version.eq(read));
    match tx.run(row).await? {
        0 => Err(DbError::Conflict),
        _ => Ok(()),
    }
}

/// False when a task is filed under it.
pub(crate) async fn delete_category_if_empty(tx: &mut Tx, id: CategoryId) -> Result<bool, DbError> {
    let delete = Entity::delete_many().filter(Column::Id.eq(id.uuid())).filter(is_empty());
    Ok(tx.run(delete).await? > 0)
}

/// For a deleted user: those that no task needs any more.
pub(crate) async fn delete_empty_categories(tx: &mut Tx, owner: UserId) -> Result<(), DbError> {
    let delete = Entity::delete_many().filter(Column::OwnerId.eq(owner.uuid())).filter(is_empty());
    tx.run(delete).await.map(drop)
}

/// True when the database refused a second category of that name for one owner.
pub(crate) fn is_taken_category_name(error: &DbError) -> bool {
    matches!(error, DbError::Unique { constraint } if constraint.contains("category.name"))
}

/// No task is filed under it: part of the deleting statement, so that nothing comes between.
fn is_empty() -> Expr {
    let filed = Query::select()
        .expr(Expr::val(1))
        .from(task_row::Entity)
        .and_where(Expr::col((task_row::Entity, task_row::Column::CategoryId)).equals((Entity, Column::Id)))
        .take();
    Expr::not_exists(filed)
}
