//! The watermark. Rule: it is read under a lock and written in the transaction of the effect; so it is deduplication,
//! order and fence against stale workers in one.

use crate::entity::inbox_head::{ActiveModel, Column, Entity, Model};
use crate::listener::ListenError;
use contracts::Envelope;
use db::{DbError, Tx};
use sea_orm::sea_query::{Expr, LockBehavior, LockType, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, Select, Set};

/// Which watermark: a consumer's, of one aggregate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub consumer: &'static str,
    pub source: String,
    pub aggregate_type: String,
    pub aggregate_id: String,
}

impl Key {
    pub(crate) fn of(consumer: &'static str, envelope: &Envelope) -> Self {
        Self {
            consumer,
            source: envelope.domain().to_owned(),
            aggregate_type: envelope.aggregate().to_owned(),
            aggregate_id: envelope.aggregate_id.to_string(),
        }
    }

    pub(crate) fn named(consumer: &'static str, source: &str, aggregate: &str, id: &str) -> Self {
        Self { consumer, source: source.to_owned(), aggregate_type: aggregate.to_owned(), aggregate_id: id.to_owned() }
    }
}

/// Reads the watermark for update, and makes it first where there is none.
pub(crate) async fn lock(tx: &mut Tx, key: &Key, stream_epoch: i32) -> Result<Model, ListenError> {
    if let Some(head) = read(tx, key).await? {
        return Ok(head);
    }
    let fresh = ActiveModel {
        consumer: Set(key.consumer.to_owned()),
        source: Set(key.source.clone()),
        aggregate_type: Set(key.aggregate_type.clone()),
        aggregate_id: Set(key.aggregate_id.clone()),
        last_seq: Set(0),
        stream_epoch: Set(stream_epoch),
        updated_at: Set(tx.now()),
    };
    let columns = [Column::Consumer, Column::Source, Column::AggregateType, Column::AggregateId];
    tx.run(Entity::insert(fresh).on_conflict(OnConflict::columns(columns).do_nothing().to_owned())).await?;
    read(tx, key).await?.ok_or_else(|| ListenError::Retry("the watermark vanished".to_owned()))
}

/// Reads the watermark for update; none where there is none, or where another process holds it.
pub(crate) async fn try_lock(tx: &mut Tx, key: &Key) -> Result<Option<Model>, DbError> {
    tx.one(find(key).lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)).await
}

async fn read(tx: &mut Tx, key: &Key) -> Result<Option<Model>, DbError> {
    tx.one(find(key).lock_exclusive()).await
}

fn find(key: &Key) -> Select<Entity> {
    Entity::find()
        .filter(Column::Consumer.eq(key.consumer))
        .filter(Column::Source.eq(&key.source))
        .filter(Column::AggregateType.eq(&key.aggregate_type))
        .filter(Column::AggregateId.eq(&key.aggregate_id))
}

/// Moves the watermark to `seq`.
pub(crate) fn advance(tx: &mut Tx, key: &Key, seq: i64) {
    let now = tx.now();
    tx.push(
        Entity::update_many()
            .col_expr(Column::LastSeq, Expr::value(seq))
            .col_expr(Column::UpdatedAt, Expr::value(now))
            .filter(Column::Consumer.eq(key.consumer))
            .filter(Column::Source.eq(&key.source))
            .filter(Column::AggregateType.eq(&key.aggregate_type))
            .filter(Column::AggregateId.eq(&key.aggregate_id))
            .filter(Column::LastSeq.eq(seq - 1)),
    );
}
