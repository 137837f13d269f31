//! The watermark. Rule: it is read under a lock and written in the transaction of the effect; so it is deduplication,
//! order and fence against stale workers in one.

use crate::entity::inbox_head::{ActiveModel, Column, Entity, Model};
use crate::few_texts::{padded, portions};
use crate::listener::ListenError;
use chrono::{DateTime, Utc};
use contracts::Envelope;
use db::{DbError, Tx};
use sea_orm::sea_query::{
    Alias, Expr, ExprTrait, LockBehavior, LockType, OnConflict, Query, SelectStatement, SimpleExpr,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait, Select, Set};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// The columns that name a watermark.
const NAME: [Column; 4] = [Column::Consumer, Column::Source, Column::AggregateType, Column::AggregateId];

/// Which watermark: a consumer's, of one aggregate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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
    let fresh = row(key, 0, stream_epoch, tx.now());
    tx.run(Entity::insert(fresh).on_conflict(OnConflict::columns(NAME).do_nothing().to_owned())).await?;
    read(tx, key).await?.ok_or_else(|| ListenError::Retry("the watermark vanished".to_owned()))
}

/// Says of a watermark that its stream began anew; no sequence is so low.
const LATER_EPOCH: i64 = -1;

/// A watermark of a stream in its first epoch while a transaction moves it.
pub(crate) struct Mark {
    /// Where it stands, if it is there; it is locked then.
    was: Option<i64>,
    /// Where it is to stand.
    pub last_seq: i64,
}

impl Mark {
    /// One that is not there.
    pub(crate) const fn new() -> Self {
        Self { was: None, last_seq: 0 }
    }

    /// Whether its stream has never begun anew.
    pub(crate) fn is_of_first_epoch(&self) -> bool {
        self.was != Some(LATER_EPOCH)
    }
}

/// Reads the watermarks of all streams for update, in an order that is everybody's. What is not there is left out.
pub(crate) async fn lock_all(
    tx: &mut Tx,
    consumer: &'static str,
    events: &[Arc<Envelope>],
) -> Result<HashMap<Key, Mark>, DbError> {
    let mut streams: BTreeMap<(&str, &str), BTreeSet<String>> = BTreeMap::new();
    for envelope in events {
        streams.entry((envelope.domain(), envelope.aggregate())).or_default().insert(envelope.aggregate_id.to_string());
    }
    let mut marks = HashMap::new();
    for ((source, aggregate), ids) in streams {
        let found = tx.rows::<(String, Option<i64>)>(standing(consumer, source, aggregate, ids)).await?;
        for (id, last_seq) in found {
            let Some(last_seq) = last_seq else { continue };
            marks.insert(Key::named(consumer, source, aggregate, &id), Mark { was: Some(last_seq), last_seq });
        }
    }
    Ok(marks)
}

/// Where the watermarks of some aggregates stand, [`LATER_EPOCH`] for those whose stream began anew; they are locked.
fn standing(consumer: &str, source: &str, aggregate: &str, ids: BTreeSet<String>) -> Select<Entity> {
    let first_epoch = Expr::col(Column::StreamEpoch).eq(1);
    let mut one = Query::select();
    one.expr(Expr::case(first_epoch, Expr::col(Column::LastSeq)).finally(LATER_EPOCH)).lock(LockType::Update);
    of_each(consumer, source, aggregate, ids, [one])
}

/// What is `wanted` of the watermarks of some aggregates, one value each, behind the id; null where there is none. Each is
/// looked up by itself, by all columns of its key: with a list of ids PostgreSQL may, without statistics, read all
/// watermarks of the source, and keep to that plan.
pub(crate) fn of_each<const N: usize>(
    consumer: &str,
    source: &str,
    aggregate: &str,
    ids: BTreeSet<String>,
    wanted: [SelectStatement; N],
) -> Select<Entity> {
    let asked = Alias::new("asked");
    let id = Expr::col((asked.clone(), Alias::new("column1")));
    let mut all = Entity::find().select_only().expr(id.clone());
    for mut one in wanted {
        one.from(Entity)
            .and_where(Column::Consumer.eq(consumer))
            .and_where(Column::Source.eq(source))
            .and_where(Column::AggregateType.eq(aggregate))
            .and_where(Expr::col((Entity, Column::AggregateId)).eq(id.clone()));
        all = all.expr(SimpleExpr::SubQuery(None, Box::new(one.into())));
    }
    QueryTrait::query(&mut all).from_clear().from_values(padded(ids.into_iter().collect()), asked);
    all
}

/// Writes those that have moved. One that somebody else has made meanwhile breaks a uniqueness rule.
pub(crate) fn move_all(tx: &mut Tx, marks: HashMap<Key, Mark>) {
    let now = tx.now();
    let (mut made, mut moved) = (Vec::new(), Vec::new());
    // In one order, so that two processes that make the same ones wait for each other and are not deadlocked.
    let mut marks: Vec<_> = marks.into_iter().collect();
    marks.sort_unstable_by(|(one, _), (other, _)| one.aggregate_id.cmp(&other.aggregate_id));
    for (key, Mark { was, last_seq }) in marks {
        match was {
            None if last_seq > 0 => made.push(row(&key, last_seq, 1, now)),
            Some(was) if last_seq > was => moved.push(row(&key, last_seq, 1, now)),
            _ => {}
        }
    }
    for made in portions(made) {
        tx.push(Entity::insert_many(made));
    }
    let there = OnConflict::columns(NAME).update_columns([Column::LastSeq, Column::UpdatedAt]).to_owned();
    for moved in portions(moved) {
        tx.push(Entity::insert_many(moved).on_conflict(there.clone()));
    }
}

fn row(key: &Key, last_seq: i64, stream_epoch: i32, now: DateTime<Utc>) -> ActiveModel {
    ActiveModel {
        consumer: Set(key.consumer.to_owned()),
        source: Set(key.source.clone()),
        aggregate_type: Set(key.aggregate_type.clone()),
        aggregate_id: Set(key.aggregate_id.clone()),
        last_seq: Set(last_seq),
        stream_epoch: Set(stream_epoch),
        updated_at: Set(now),
    }
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
