//! Clean-up. Rule: only what is done may go, in small statements, so that a write never waits for long. Watermarks
//! stay for ever, so an event that is older than every inbox row is still known as a duplicate; outbox rows stay
//! until a consumer that joins later can be given what they told by other means.

use crate::entity::inbox::{Column, DONE, Entity};
use chrono::{DateTime, Utc};
use db::{Context, Db, DbError, Tx};
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};

/// Rows that one statement deletes.
const AT_ONCE: u64 = 1_000;

/// Deletes inbox rows that were done before `before`; how many went.
///
/// # Errors
/// See [`DbError`].
pub async fn purge(db: &Db, before: DateTime<Utc>) -> Result<u64, DbError> {
    let mut gone = 0;
    loop {
        let deleted = db.write(&Context::default(), &before, purge_some).await?;
        gone += deleted;
        if deleted < AT_ONCE {
            return Ok(gone);
        }
    }
}

async fn purge_some(tx: &mut Tx, before: &DateTime<Utc>) -> Result<u64, DbError> {
    // By the whole key: each statement then costs what it deletes, and not what is left.
    let key = [Column::Consumer, Column::EventId];
    let done = Condition::all().add(Column::Status.eq(DONE)).add(Column::DoneAt.lt(*before));
    let mut oldest = Query::select();
    oldest.columns(key).from(Entity).cond_where(done).order_by(Column::DoneAt, Order::Asc).limit(AT_ONCE);
    tx.run(Entity::delete_many().filter(Expr::tuple(key.map(Expr::col)).in_subquery(oldest))).await
}
