//! Erasing what concerns a user who is gone. Rule: a statement deletes a bounded number of rows.

use super::entity::{notification, recipient};
use contracts::UserId;
use db::{DbError, Tx};
use sea_orm::sea_query::{Expr, SelectStatement};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait};

/// Rows that one statement erases.
pub(crate) const ERASED_AT_ONCE: u64 = 500;

/// Deletes some of what was addressed to the user; the number of rows deleted. Fewer than [`ERASED_AT_ONCE`]: that
/// was all.
pub(crate) async fn addressed_to(tx: &mut Tx, user: UserId) -> Result<u64, DbError> {
    let some = notification::Entity::find()
        .select_only()
        .column(notification::Column::Id)
        .filter(notification::Column::RecipientId.eq(user.uuid()))
        .limit(ERASED_AT_ONCE)
        .into_query();
    delete(tx, some).await
}

/// Deletes some of what the user wrote to others and never sent; the number of rows deleted.
pub(crate) async fn unsent_by(tx: &mut Tx, user: UserId) -> Result<u64, DbError> {
    let some = notification::Entity::find()
        .select_only()
        .column(notification::Column::Id)
        .filter(notification::Column::CreatedBy.eq(user.uuid()))
        .filter(notification::Column::SentAt.is_null())
        .limit(ERASED_AT_ONCE)
        .into_query();
    delete(tx, some).await
}

async fn delete(tx: &mut Tx, some: SelectStatement) -> Result<u64, DbError> {
    tx.run(notification::Entity::delete_many().filter(notification::Column::Id.in_subquery(some))).await
}

/// A user who is gone and of whom something may be left.
pub(crate) async fn pending(tx: &mut Tx) -> Result<Option<UserId>, DbError> {
    let select = recipient::Entity::find().filter(recipient::Column::ErasePending.eq(true)).limit(1).lock_exclusive();
    Ok(tx.one(select).await?.map(|row| UserId(row.id)))
}

/// Notes that nothing is left of the user.
pub(crate) fn finished(tx: &mut Tx, user: UserId) {
    let update = recipient::Entity::update_many()
        .col_expr(recipient::Column::ErasePending, Expr::value(false))
        .col_expr(recipient::Column::UpdatedAt, Expr::value(tx.now()))
        .filter(recipient::Column::Id.eq(user.uuid()));
    tx.push(update);
}
