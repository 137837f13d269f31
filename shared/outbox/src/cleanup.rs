//! Clean-up. Rule: only what is done may go, in small statements, so that a write never waits for long. Watermarks
//! stay for ever, so an event that is older than every inbox row is still known as a duplicate; outbox rows stay
//! until a consumer that joins later can be given what they told by other means.

use crate::entity::inbox::{Column, DONE, Entity};
use chrono::{DateTime, Utc};
use db::{Context, Db, DbError, Tx};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

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
    let done = Condition::all().add(Column::Status.eq(DONE)).add(Column::DoneAt.lt(*before));
    let oldest = Entity::find()
        .select_only()
        .column(Column::EventId)
        .filter(done.clone())
        .order_by_asc(Column::DoneAt)
        .limit(AT_ONCE)
        .into_query();
    tx.run(Entity::delete_many().filter(Column::EventId.in_subquery(oldest)).filter(done)).await
}
