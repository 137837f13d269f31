//! Keeping what failed. Rule: a failure is rolled back first and noted in a small transaction of its own; trouble of
//! the database is no attempt.

use super::deliver::Incoming;
use super::head::{self, Key};
use crate::backoff;
use crate::due::AT_ONCE;
use crate::entity::inbox::{ActiveModel, Column, DEAD, DONE, Entity, Model, WAITING, is};
use crate::listener::{ListenError, OnDead};
use crate::row::Headers;
use chrono::{DateTime, TimeDelta, Utc};
use contracts::Envelope;
use contracts::failpoint::{self, Point};
use db::{DbError, Tx};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue, ColumnTrait, Condition, EntityTrait, ExprTrait, QueryFilter, QuerySelect, Set};
use std::time::Duration;
use uuid::Uuid;

/// A listener that failed on an event.
pub(crate) struct Failure {
    pub event: Incoming,
    pub error: String,
    pub permanent: bool,
    pub attempt: Attempt,
}

/// Whose attempt it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// Of an event that arrived. One that was here before has its times, and nothing is to be learnt from this.
    OnArrival,
    /// Of one that waited, at its time.
    InTime,
}

/// A row that cannot be read.
pub(crate) struct Condemned {
    pub consumer: &'static str,
    pub event_id: Uuid,
    pub error: String,
}

/// What became of the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Noted {
    /// It is tried again.
    Waits,
    /// It is given up.
    Dead,
    /// Somebody else has handled it in the meantime.
    Settled,
}

/// Notes one more failed attempt.
pub(crate) async fn note(tx: &mut Tx, failure: &Failure) -> Result<Noted, ListenError> {
    let Incoming { inbox, envelope } = &failure.event;
    let consumer = inbox.listeners.consumer;
    let key = Key::of(consumer, envelope);
    let head = head::lock(tx, &key, envelope.stream_epoch).await?;
    let row = find(tx, &key, envelope).await?;
    let passed = envelope.sequence <= head.last_seq;
    let attempts = match &row {
        Some(_) if failure.attempt == Attempt::OnArrival => return Ok(Noted::Settled),
        Some(row) if row.status == WAITING && (!passed || row.replays > 0) => row.attempts + 1,
        None if envelope.sequence == head.last_seq + 1 => 1,
        _ => return Ok(Noted::Settled),
    };
    let dead = failure.permanent || attempts >= inbox.tuning.attempts;
    let status = if dead { DEAD } else { WAITING };
    let wait = backoff::after(envelope.id.uuid(), attempts, inbox.tuning.backoff);
    let next = tx.now() + wait;
    if row.is_some() {
        tx.push(
            Entity::update_many()
                .col_expr(Column::Status, Expr::value(status))
                .col_expr(Column::Attempts, Expr::value(attempts))
                .col_expr(Column::NextAttemptAt, Expr::value(next))
                .col_expr(Column::LastError, Expr::value(failure.error.clone()))
                .filter(row_of(&key, envelope)),
        );
    } else {
        let mut row = fresh(consumer, envelope, tx.now());
        row.status = Set(status);
        row.attempts = Set(attempts);
        row.next_attempt_at = Set(next);
        row.last_error = Set(Some(failure.error.clone()));
        tx.push(Entity::insert(row));
    }
    if dead && inbox.listeners.on_dead == OnDead::Skip && envelope.sequence == head.last_seq + 1 {
        head::advance(tx, &key, envelope.sequence);
    }
    Ok(if dead { Noted::Dead } else { Noted::Waits })
}

/// Parks an event that came too early; it is due as soon as its turn has come.
///
/// # Errors
/// An infrastructure error when another event stands at its place of the stream, as after a restored backup: it must
/// stay with its publisher, where it is seen, instead of vanishing here.
pub(crate) async fn park(tx: &mut Tx, consumer: &'static str, envelope: &Envelope) -> Result<(), ListenError> {
    let row = fresh(consumer, envelope, tx.now());
    let parked = tx.run(Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned())).await? == 1;
    failpoint::pass(Point::MidPark);
    if parked || find(tx, &Key::of(consumer, envelope), envelope).await?.is_some() {
        return Ok(());
    }
    let place = format!("another event stands at {} {}", envelope.aggregate_id, envelope.sequence);
    Err(DbError::Unavailable(place).into())
}

/// Gives up a row that cannot be read; an operator may skip it.
pub(crate) async fn condemn(tx: &mut Tx, row: &Condemned) -> Result<(), DbError> {
    let dead = Entity::update_many()
        .col_expr(Column::Status, Expr::value(DEAD))
        .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
        .col_expr(Column::LastError, Expr::value(row.error.clone()))
        .filter(Column::Consumer.eq(row.consumer))
        .filter(Column::EventId.eq(row.event_id))
        .filter(is(WAITING));
    tx.run(dead).await.map(drop)
}

/// Puts a row off that only an operator can help, so that it does not stand before others.
pub(crate) fn put_off(tx: &mut Tx, key: &Key, envelope: &Envelope, longest: Duration) {
    let later = tx.now() + TimeDelta::from_std(longest).unwrap_or(TimeDelta::MAX);
    tx.push(Entity::update_many().col_expr(Column::NextAttemptAt, Expr::value(later)).filter(row_of(key, envelope)));
}

/// Records an event that was handled at its first delivery.
pub(crate) fn record_done(tx: &mut Tx, consumer: &'static str, envelope: &Envelope) {
    tx.push(Entity::insert(done(consumer, envelope, tx.now())));
}

/// The row of an event that is handled at its first delivery.
pub(crate) fn done(consumer: &'static str, envelope: &Envelope, now: DateTime<Utc>) -> ActiveModel {
    let mut row = fresh(consumer, envelope, now);
    row.status = Set(DONE);
    row.payload = Set(None);
    row.done_at = Set(Some(now));
    row
}

/// Marks a waiting row as handled.
pub(crate) fn finish(tx: &mut Tx, key: &Key, envelope: &Envelope) {
    let now = tx.now();
    tx.push(
        Entity::update_many()
            .col_expr(Column::Status, Expr::value(DONE))
            .col_expr(Column::Payload, Expr::value(Option::<Vec<u8>>::None))
            .col_expr(Column::DoneAt, Expr::value(now))
            .filter(row_of(key, envelope))
            .filter(is(WAITING)),
    );
}

/// The consumer's row of an event, for update.
pub(crate) async fn find(tx: &mut Tx, key: &Key, envelope: &Envelope) -> Result<Option<Model>, ListenError> {
    Ok(tx.one(Entity::find().filter(row_of(key, envelope)).lock_exclusive()).await?)
}

/// The row by both of its keys. By one alone, a plan that PostgreSQL made while the table was small may go through all
/// rows of the consumer in the index of the other, and it is kept for as long as the connection lives.
fn row_of(key: &Key, envelope: &Envelope) -> Condition {
    Condition::all()
        .add(Column::Consumer.eq(key.consumer))
        .add(Column::EventId.eq(envelope.id.uuid()))
        .add(Column::Source.eq(&key.source))
        .add(Column::AggregateType.eq(&key.aggregate_type))
        .add(Column::AggregateId.eq(&key.aggregate_id))
        .add(Column::AggregateSeq.eq(envelope.sequence))
}

fn fresh(consumer: &str, envelope: &Envelope, now: DateTime<Utc>) -> ActiveModel {
    ActiveModel {
        consumer: Set(consumer.to_owned()),
        event_id: Set(envelope.id.uuid()),
        source: Set(envelope.domain().to_owned()),
        aggregate_type: Set(envelope.aggregate().to_owned()),
        aggregate_id: Set(envelope.aggregate_id.to_string()),
        aggregate_seq: Set(envelope.sequence),
        event_type: Set(envelope.event_type.clone()),
        schema_version: Set(envelope.schema_version()),
        status: Set(WAITING),
        attempts: Set(0),
        next_attempt_at: Set(AT_ONCE),
        replays: Set(0),
        last_error: ActiveValue::Set(None),
        headers: Set(Headers::of(envelope).to_text()),
        payload: Set(Some(envelope.data.get().as_bytes().to_vec())),
        received_at: Set(now),
        done_at: Set(None),
    }
}
