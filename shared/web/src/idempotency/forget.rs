//! What is remembered of somebody who is gone. Rule: a copy of an answer is as personal as the row it was made of, so
//! it goes in the same transaction.

use super::record::{Column, Entity};
use contracts::UserId;
use db::{DbError, Tx};
use sea_orm::sea_query::{BinOper, Expr, ExprTrait};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};

/// Removes the records of a caller, who will not come again.
///
/// # Errors
/// See [`DbError`].
pub async fn forget_caller(tx: &mut Tx, user: UserId) -> Result<(), DbError> {
    tx.run(Entity::delete_many().filter(Column::Caller.eq(user.to_string()))).await.map(drop)
}

/// Removes also the records of others whose answer names the user: of who registered or made the account, and of who
/// changed it. Reads all records, which are few where accounts are kept.
///
/// # Errors
/// See [`DbError`].
pub async fn forget_account(tx: &mut Tx, user: UserId) -> Result<(), DbError> {
    let pattern = format!("%{user}%").into_bytes();
    let named = Expr::col(Column::ResponseBody).binary(BinOper::Like, Expr::val(pattern));
    let theirs = Condition::any().add(Column::Caller.eq(user.to_string())).add(named);
    tx.run(Entity::delete_many().filter(theirs)).await.map(drop)
}
