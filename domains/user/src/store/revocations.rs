//! Numbered revocations of access tokens. Rule: written in the transaction that causes them, and kept until the last
//! token they refuse has expired by itself.

use super::entity::revocation::{ActiveModel, Column, Entity, Model};
use crate::domain::REVOCATION;
use chrono::{DateTime, Utc};
use contracts::{SessionId, UserId};
use db::{DbError, Reader, Tx};
use sea_orm::sea_query::{Expr, SelectStatement};
use sea_orm::{ActiveValue, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Set};
use web::{REVOCATIONS_AGAIN, Revocation, Revoked};

/// Refuses the access tokens of a session.
pub(crate) fn session(tx: &mut Tx, id: SessionId) {
    push(
        tx,
        ActiveModel {
            session_id: Set(Some(id.uuid())),
            user_id: Set(None),
            min_epoch: Set(None),
            ..ActiveModel::default()
        },
    );
}

/// Refuses the access tokens of all sessions whose ids a query finds, in its order; in one statement, because others
/// who revoke wait for it.
pub(crate) async fn sessions(tx: &mut Tx, mut ids: SelectStatement) -> Result<(), DbError> {
    let columns = [Column::SessionId, Column::ValidUntil];
    ids.expr(Expr::val(tx.now() + REVOCATION));
    let mut insert = Entity::insert(ActiveModel::default());
    let filled = insert.query().columns(columns).select_from(ids);
    filled.map_err(|error| DbError::Decode(error.to_string()))?;
    tx.run(insert).await.map(drop)
}

/// Refuses the access tokens of a user that carry an epoch below `min_epoch`.
pub(crate) fn user(tx: &mut Tx, id: UserId, min_epoch: i32) {
    let row = ActiveModel {
        session_id: Set(None),
        user_id: Set(Some(id.uuid())),
        min_epoch: Set(Some(min_epoch)),
        ..ActiveModel::default()
    };
    push(tx, row);
}

fn push(tx: &mut Tx, row: ActiveModel) {
    let row = ActiveModel { n: ActiveValue::NotSet, valid_until: Set(tx.now() + REVOCATION), ..row };
    tx.push(Entity::insert(row));
}

/// The living ones with a number above `n`, ascending, and those a little below: where several processes write, a
/// number may become visible after one above it.
pub(crate) async fn after(reader: &Reader, n: i64, now: DateTime<Utc>) -> Result<Vec<Revocation>, DbError> {
    let n = n.saturating_sub(REVOCATIONS_AGAIN);
    let rows = Entity::find().filter(Column::N.gt(n)).filter(Column::ValidUntil.gt(now)).order_by_asc(Column::N);
    reader.all(rows).await?.into_iter().map(revocation).collect()
}

/// The newest number, 0 before the first.
pub(crate) async fn last(reader: &Reader) -> Result<i64, DbError> {
    let newest = Entity::find().order_by_desc(Column::N).limit(1);
    Ok(reader.one(newest).await?.map_or(0, |row| row.n))
}

/// Removes those that refuse nothing any more; how many.
pub(crate) async fn sweep(tx: &mut Tx, most: u64) -> Result<u64, DbError> {
    let old = Entity::find().select_only().column(Column::N).filter(Column::ValidUntil.lt(tx.now())).limit(most);
    tx.run(Entity::delete_many().filter(Column::N.in_subquery(old.into_query()))).await
}

fn revocation(row: Model) -> Result<Revocation, DbError> {
    let revoked = match (row.session_id, row.user_id, row.min_epoch) {
        (Some(session), None, None) => Revoked::Session(SessionId(session)),
        (None, Some(id), Some(min_epoch)) => Revoked::User { id: UserId(id), min_epoch },
        _ => return Err(DbError::Decode(format!("revocation {} names neither a session nor a user", row.n))),
    };
    Ok(Revocation { n: row.n, revoked, until: row.valid_until })
}
