//! The clean-up of old records. Rule: many short transactions, so that writers never wait long.

use super::record::{Column, Entity};
use chrono::{DateTime, Utc};
use db::{Context, Db, DbError, Tx};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{EntityTrait, QueryFilter};

/// Rows a transaction.
const BATCH: u64 = 1_000;

/// Deletes the records made before `older_than`; the number of them.
///
/// # Errors
/// See [`DbError`]. What was deleted before stays deleted.
pub async fn purge_idempotency(db: &Db, older_than: DateTime<Utc>) -> Result<u64, DbError> {
    let mut deleted = 0;
    loop {
        let batch = db.write(&Context::default(), &older_than, purge).await?;
        deleted += batch;
        if batch < BATCH {
            return Ok(deleted);
        }
    }
}

async fn purge(tx: &mut Tx, older_than: &DateTime<Utc>) -> Result<u64, DbError> {
    let key = [Column::Caller, Column::Scope, Column::IdemKey];
    let mut oldest = Query::select();
    oldest.columns(key).from(Entity).and_where(Expr::col(Column::CreatedAt).lt(*older_than)).limit(BATCH);
    let in_batch = Expr::tuple(key.map(Expr::col)).in_subquery(oldest);
    tx.run(Entity::delete_many().filter(in_batch)).await
}
