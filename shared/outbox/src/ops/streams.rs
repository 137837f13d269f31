//! How far streams have come. Rule: a publisher knows how much it emitted, a consumer how much it has handled; the lag
//! is the difference, and only whoever has asked both knows it.

use crate::entity::{inbox, inbox_head, outbox, undecodable};
use chrono::{DateTime, Utc};
use db::{Db, DbError};
use schemars::JsonSchema;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use serde::Serialize;
use std::collections::BTreeMap;

/// A listener has failed on it. Written out: two bound zeros would be two expressions to PostgreSQL.
const TRIED: &str = "attempts > 0";
/// Sums of 64-bit numbers are wider than that in PostgreSQL.
const HANDLED: &str = "CAST(SUM(last_seq) AS BIGINT)";
const EMITTED: &str = "CAST(SUM(aggregate_seq) AS BIGINT)";
/// The newest event of each aggregate.
const NEWEST: &str = r#"NOT EXISTS (SELECT 1 FROM outbox n WHERE n.aggregate_type = "outbox"."aggregate_type"
    AND n.aggregate_id = "outbox"."aggregate_id" AND n.aggregate_seq > "outbox"."aggregate_seq")"#;

/// What a domain has emitted about one kind of aggregate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EmittedStream {
    /// The kind of aggregate.
    pub aggregate: String,
    /// Events since the beginning.
    pub emitted: i64,
}

/// What a consumer has made of one stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HeardStream {
    /// The consuming domain.
    pub consumer: String,
    /// The publishing domain.
    pub source: String,
    /// The kind of aggregate.
    pub aggregate: String,
    /// Aggregates that it has heard of.
    pub aggregates: i64,
    /// Events since the beginning that are done, or were passed.
    pub handled: i64,
    /// Events that wait for their turn.
    pub parked: i64,
    /// Events whose listener failed and is tried again.
    pub failing: i64,
    /// Events that were given up.
    pub dead: i64,
    /// When the oldest of those three was taken.
    pub oldest_waiting_at: Option<DateTime<Utc>>,
    /// When the newest was handled.
    pub last_handled_at: Option<DateTime<Utc>>,
    /// Messages to this consumer that were no events, whatever the stream.
    pub undecodable: i64,
}

/// What the owner of the database has emitted.
///
/// # Errors
/// See [`DbError`].
pub async fn emitted_streams(db: &Db) -> Result<Vec<EmittedStream>, DbError> {
    let select = outbox::Entity::find()
        .select_only()
        .column(outbox::Column::AggregateType)
        .column_as(Expr::cust(EMITTED), "emitted")
        .filter(Expr::cust(NEWEST))
        .group_by(outbox::Column::AggregateType);
    let rows = db.reader().rows::<(String, i64)>(select).await?;
    let mut streams: Vec<_> =
        rows.into_iter().map(|(aggregate, emitted)| EmittedStream { aggregate, emitted }).collect();
    streams.sort_by(|a, b| a.aggregate.cmp(&b.aggregate));
    Ok(streams)
}

/// What a consumer has made of those streams, also of one that it has heard nothing of yet.
///
/// # Errors
/// See [`DbError`].
pub async fn heard_streams(db: &Db, consumer: &str, streams: &[(&str, &str)]) -> Result<Vec<HeardStream>, DbError> {
    let fresh = |source: &str, aggregate: &str| HeardStream {
        consumer: consumer.to_owned(),
        source: source.to_owned(),
        aggregate: aggregate.to_owned(),
        ..HeardStream::default()
    };
    let known = streams.iter().map(|(source, aggregate)| fresh(source, aggregate));
    let mut heard: BTreeMap<(String, String), HeardStream> =
        known.map(|stream| ((stream.source.clone(), stream.aggregate.clone()), stream)).collect();
    for (source, aggregate, aggregates, handled, last) in handled(db, consumer).await? {
        let stream = heard.entry((source.clone(), aggregate.clone())).or_insert_with(|| fresh(&source, &aggregate));
        (stream.aggregates, stream.handled, stream.last_handled_at) = (aggregates, handled, last);
    }
    for (source, aggregate, status, tried, rows, oldest) in waiting(db, consumer).await? {
        let stream = heard.entry((source.clone(), aggregate.clone())).or_insert_with(|| fresh(&source, &aggregate));
        match (status, tried) {
            (inbox::DEAD, _) => stream.dead += rows,
            (_, true) => stream.failing += rows,
            (_, false) => stream.parked += rows,
        }
        stream.oldest_waiting_at = stream.oldest_waiting_at.into_iter().chain(oldest).min();
    }
    let strays = undecodable::Entity::find()
        .select_only()
        .column_as(undecodable::Column::Id.count(), "strays")
        .filter(undecodable::Column::Consumer.eq(consumer));
    let strays = db.reader().rows::<(i64,)>(strays).await?.first().map_or(0, |(rows,)| *rows);
    Ok(heard.into_values().map(|stream| HeardStream { undecodable: strays, ..stream }).collect())
}

type Handled = (String, String, i64, i64, Option<DateTime<Utc>>);

async fn handled(db: &Db, consumer: &str) -> Result<Vec<Handled>, DbError> {
    let select = inbox_head::Entity::find()
        .select_only()
        .column(inbox_head::Column::Source)
        .column(inbox_head::Column::AggregateType)
        .column_as(inbox_head::Column::AggregateId.count(), "aggregates")
        .column_as(Expr::cust(HANDLED), "handled")
        .column_as(inbox_head::Column::UpdatedAt.max(), "last")
        .filter(inbox_head::Column::Consumer.eq(consumer))
        // One that was made for an event which then failed says nothing yet.
        .filter(inbox_head::Column::LastSeq.gt(0))
        .group_by(inbox_head::Column::Source)
        .group_by(inbox_head::Column::AggregateType);
    db.reader().rows(select).await
}

type Waiting = (String, String, i16, bool, i64, Option<DateTime<Utc>>);

async fn waiting(db: &Db, consumer: &str) -> Result<Vec<Waiting>, DbError> {
    let select = inbox::Entity::find()
        .select_only()
        .column(inbox::Column::Source)
        .column(inbox::Column::AggregateType)
        .column(inbox::Column::Status)
        .column_as(Expr::cust(TRIED), "tried")
        .column_as(inbox::Column::EventId.count(), "waiting")
        .column_as(inbox::Column::ReceivedAt.min(), "oldest")
        .filter(inbox::Column::Consumer.eq(consumer))
        .filter(inbox::is_open())
        .group_by(inbox::Column::Source)
        .group_by(inbox::Column::AggregateType)
        .group_by(inbox::Column::Status)
        .group_by(Expr::cust(TRIED));
    db.reader().rows(select).await
}
