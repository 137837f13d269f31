//! How far events have come, for tests that wait until nothing is under way, and for operators' checks. Rule: read
//! only, straight from the tables.

use crate::entity::{inbox, inbox_head, outbox};
use chrono::{DateTime, Utc};
use db::{Db, DbError};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

/// A place in one aggregate's stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Position {
    /// The publishing domain.
    pub source: String,
    /// The kind of aggregate.
    pub aggregate: String,
    /// Its id.
    pub id: String,
    /// The sequence.
    pub seq: i64,
}

/// An event that a consumer has taken and not handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// The event.
    pub event_id: Uuid,
    /// `task.completed.v1`.
    pub event_type: String,
    /// `task/<id>`.
    pub subject: String,
    /// Its place in the stream.
    pub seq: i64,
    /// True when it was given up.
    pub dead: bool,
    /// Failed attempts.
    pub attempts: i32,
    /// When it is tried next.
    pub next_attempt_at: DateTime<Utc>,
    /// What the newest attempt said.
    pub last_error: Option<String>,
    /// The attributes that tie it to its cause, as JSON.
    pub headers: String,
}

/// Events that not every subscriber has taken.
///
/// # Errors
/// See [`DbError`].
pub async fn unpublished(db: &Db) -> Result<i64, DbError> {
    let count = outbox::Entity::find()
        .select_only()
        .column_as(outbox::Column::Id.count(), "rows")
        .filter(outbox::Column::PublishedAt.is_null());
    Ok(db.reader().rows::<(i64,)>(count).await?.first().map_or(0, |(rows,)| *rows))
}

/// The newest sequence of every aggregate that `source`, the owner of the database, has emitted events for.
///
/// # Errors
/// See [`DbError`].
pub async fn last_sequences(db: &Db, source: &str) -> Result<Vec<Position>, DbError> {
    let select = outbox::Entity::find()
        .select_only()
        .column(outbox::Column::AggregateType)
        .column(outbox::Column::AggregateId)
        .column_as(outbox::Column::AggregateSeq.max(), "seq")
        .group_by(outbox::Column::AggregateType)
        .group_by(outbox::Column::AggregateId);
    let rows = db.reader().rows::<(String, String, i64)>(select).await?;
    let position = |(aggregate, id, seq)| Position { source: source.to_owned(), aggregate, id, seq };
    Ok(rows.into_iter().map(position).collect())
}

/// The watermarks of a consumer.
///
/// # Errors
/// See [`DbError`].
pub async fn heads(db: &Db, consumer: &str) -> Result<Vec<Position>, DbError> {
    let select = inbox_head::Entity::find().filter(inbox_head::Column::Consumer.eq(consumer));
    let position = |row: inbox_head::Model| Position {
        source: row.source,
        aggregate: row.aggregate_type,
        id: row.aggregate_id,
        seq: row.last_seq,
    };
    Ok(db.reader().all(select).await?.into_iter().map(position).collect())
}

/// What a consumer has taken and not handled.
///
/// # Errors
/// See [`DbError`].
pub async fn unfinished(db: &Db, consumer: &str) -> Result<Vec<Unfinished>, DbError> {
    let select = inbox::Entity::find().filter(inbox::Column::Consumer.eq(consumer)).filter(inbox::is_open());
    let describe = |row: inbox::Model| Unfinished {
        event_id: row.event_id,
        event_type: row.event_type,
        subject: format!("{}/{}", row.aggregate_type, row.aggregate_id),
        seq: row.aggregate_seq,
        dead: row.status == inbox::DEAD,
        attempts: row.attempts,
        next_attempt_at: row.next_attempt_at,
        last_error: row.last_error,
        headers: row.headers,
    };
    Ok(db.reader().all(select).await?.into_iter().map(describe).collect())
}
