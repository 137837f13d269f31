//! Clean-up. Rule: only what is done may go, in small statements, so that a write never waits for long. Watermarks
//! stay for ever, so an event that is older than every inbox row is still known as a duplicate; whoever misses an event
//! that is kept no more gets the aggregate as it is.

use crate::entity::inbox::{Column, DONE, Entity, is};
use crate::entity::{inbox_source, outbox};
use chrono::{DateTime, TimeDelta, Utc};
use db::{Context, Db, DbError, Tx};
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect};
use std::collections::BTreeSet;

/// How long published events are kept; whoever misses one later gets the aggregate as it is.
pub const KEPT: TimeDelta = TimeDelta::days(30);
/// Rows that one statement deletes.
const AT_ONCE: u64 = 1_000;

/// Deletes inbox rows that were done before `before`; how many went.
///
/// # Errors
/// See [`DbError`].
pub async fn purge(db: &Db, before: DateTime<Utc>) -> Result<u64, DbError> {
    let mut gone = 0;
    for (consumer, source) in streams(db).await? {
        let old = Old { consumer, source, before };
        loop {
            let deleted = db.write(&Context::default(), &old, purge_some).await?;
            gone += deleted;
            if deleted < AT_ONCE {
                break;
            }
        }
    }
    Ok(gone)
}

/// Who hears whom in that database, or ever did: the rows of those that do no more stay.
async fn streams(db: &Db) -> Result<BTreeSet<(String, String)>, DbError> {
    let heard = inbox_source::Entity::find()
        .select_only()
        .column(inbox_source::Column::Consumer)
        .column(inbox_source::Column::Source);
    Ok(db.reader().rows(heard).await?.into_iter().collect())
}

/// What a consumer has long done of what it heard of a source.
struct Old {
    consumer: String,
    source: String,
    before: DateTime<Utc>,
}

/// Deletes events that were published before `before`, and never one that was not; how many went.
///
/// # Errors
/// See [`DbError`].
pub async fn retire(db: &Db, before: DateTime<Utc>) -> Result<u64, DbError> {
    let mut gone = 0;
    loop {
        let deleted = db.write(&Context::default(), &before, retire_some).await?;
        gone += deleted;
        if deleted < AT_ONCE {
            return Ok(gone);
        }
    }
}

async fn retire_some(tx: &mut Tx, before: &DateTime<Utc>) -> Result<u64, DbError> {
    let published = Condition::all().add(outbox::Column::PublishedAt.is_not_null());
    let published = published.add(outbox::Column::PublishedAt.lt(*before));
    let mut oldest = Query::select();
    oldest
        .column(outbox::Column::Id)
        .from(outbox::Entity)
        .cond_where(published)
        .order_by(outbox::Column::PublishedAt, Order::Asc)
        .limit(AT_ONCE);
    tx.run(outbox::Entity::delete_many().filter(outbox::Column::Id.in_subquery(oldest))).await
}

async fn purge_some(tx: &mut Tx, old: &Old) -> Result<u64, DbError> {
    // By the whole key: each statement then costs what it deletes, and not what is left.
    let key = [Column::Consumer, Column::EventId];
    let done = is(DONE)
        .add(Column::Consumer.eq(&old.consumer))
        .add(Column::Source.eq(&old.source))
        .add(Column::DoneAt.lt(old.before));
    let mut oldest = Query::select();
    oldest.columns(key).from(Entity).cond_where(done).order_by(Column::DoneAt, Order::Asc).limit(AT_ONCE);
    tx.run(Entity::delete_many().filter(Expr::tuple(key.map(Expr::col)).in_subquery(oldest))).await
}
