//! What an operator does about one event. Rule: doing it twice is doing it once; whatever changes is noted in the same
//! transaction; a listener that has done its work never does it again.

use super::audit;
use super::filter::EventStatus;
use super::record::EventRecord;
use crate::dead::{self, DeadLetterError};
use crate::due::AT_ONCE;
use crate::entity::{inbox, outbox};
use crate::row::Headers;
use chrono::{DateTime, Utc};
use contracts::{ERASED, EventId};
use db::{DbError, Tx};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use serde::Serialize;

/// An event, in the outbox or the inbox of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The domain.
    pub domain: String,
    /// The event.
    pub event: EventId,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Acted {
    /// False when there was nothing left to do.
    pub changed: bool,
    /// How far the event is now.
    pub status: EventStatus,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum OpsError {
    /// The domain has no such event on that side.
    #[error("there is no such event")]
    NotFound,
    /// The event is there, and in no state in which that can be done to it.
    #[error("the event's state does not allow it")]
    Status(EventStatus),
    /// The database refused.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<DeadLetterError> for OpsError {
    fn from(error: DeadLetterError) -> Self {
        match error {
            DeadLetterError::NotFound => Self::NotFound,
            DeadLetterError::NotDead => Self::Status(EventStatus::Done),
            DeadLetterError::Db(error) => Self::Db(error),
        }
    }
}

/// Hands a dead event to its listener again, those behind it follow in order; one that is failing is tried now instead of
/// after its backoff.
///
/// # Errors
/// [`OpsError`]; [`OpsError::Status`] for one that was handled or passed without ever having been retried.
pub async fn retry(tx: &mut Tx, target: &Target) -> Result<Acted, OpsError> {
    let row = received(tx, target).await?.ok_or(OpsError::NotFound)?;
    match status_of(&row) {
        EventStatus::Dead => {
            dead::replay_one(tx, &dead_target(target)).await?;
            Ok(noted(tx, "retry", target, EventStatus::Parked))
        }
        EventStatus::Failing if row.next_attempt_at > AT_ONCE => {
            try_now(tx, target, row.next_attempt_at);
            Ok(noted(tx, "retry", target, EventStatus::Failing))
        }
        status @ (EventStatus::Failing | EventStatus::Parked) => Ok(unchanged(status)),
        // It was retried before, and that is how it went.
        status if row.replays > 0 => Ok(unchanged(status)),
        status => Err(OpsError::Status(status)),
    }
}

/// Passes a dead event, so that those behind it go on without its effect.
///
/// # Errors
/// [`OpsError`]; [`OpsError::Status`] for one that is not dead.
pub async fn skip(tx: &mut Tx, target: &Target) -> Result<Acted, OpsError> {
    let row = received(tx, target).await?.ok_or(OpsError::NotFound)?;
    match status_of(&row) {
        EventStatus::Dead => {
            dead::skip_one(tx, &dead_target(target)).await?;
            Ok(noted(tx, "skip", target, EventStatus::Skipped))
        }
        EventStatus::Skipped => Ok(unchanged(EventStatus::Skipped)),
        status => Err(OpsError::Status(status)),
    }
}

/// Offers an event to the bus again, where the domain is its publisher: who lost it takes it, who has it drops it, and
/// nobody does its work twice. Where the domain is a consumer of it, a dead or failing one is retried, and one that is
/// done or passed stays so.
///
/// # Errors
/// [`OpsError`].
pub async fn replay(tx: &mut Tx, target: &Target) -> Result<Acted, OpsError> {
    let Some(row) = emitted(tx, target).await? else {
        return match retry(tx, target).await {
            Err(OpsError::Status(status)) => Ok(unchanged(status)),
            retried => retried,
        };
    };
    if row.published_at.is_none() && (row.attempts == 0 || row.next_attempt_at <= AT_ONCE) {
        return Ok(unchanged(if row.attempts == 0 { EventStatus::Pending } else { EventStatus::Failing }));
    }
    tx.push(
        outbox::Entity::update_many()
            .col_expr(outbox::Column::PublishedAt, Expr::value(Option::<DateTime<Utc>>::None))
            .col_expr(outbox::Column::Attempts, Expr::value(0))
            .col_expr(outbox::Column::NextAttemptAt, Expr::value(AT_ONCE))
            .filter(outbox::Column::Id.eq(row.id)),
    );
    tx.mark_emitted();
    Ok(noted(tx, "replay", target, EventStatus::Pending))
}

/// Gives up what an event says that the bus refuses, so that those behind it can go: its payload is blanked as that of a
/// deleted subject is, and consumers count it as handled. Its place in the stream stays, so no consumer sees a gap.
///
/// # Errors
/// [`OpsError`]; [`OpsError::Status`] for one that the bus has not refused.
pub async fn give_up(tx: &mut Tx, target: &Target) -> Result<Acted, OpsError> {
    let row = emitted(tx, target).await?.ok_or(OpsError::NotFound)?;
    let status = match &row.published_at {
        Some(_) => EventStatus::Published,
        None if row.attempts == 0 => EventStatus::Pending,
        None => EventStatus::Failing,
    };
    if status != EventStatus::Failing {
        // It was given up before, and has gone since.
        let blanked = row.payload == ERASED.as_bytes();
        return if blanked { Ok(unchanged(status)) } else { Err(OpsError::Status(status)) };
    }
    let headers = if serde_json::from_str::<Headers>(&row.headers).is_ok() { row.headers } else { "{}".to_owned() };
    tx.push(
        outbox::Entity::update_many()
            .col_expr(outbox::Column::Payload, Expr::value(ERASED.as_bytes().to_vec()))
            .col_expr(outbox::Column::Headers, Expr::value(headers))
            .col_expr(outbox::Column::Attempts, Expr::value(0))
            .col_expr(outbox::Column::NextAttemptAt, Expr::value(AT_ONCE))
            .filter(outbox::Column::Id.eq(row.id)),
    );
    tx.mark_emitted();
    Ok(noted(tx, "give_up", target, EventStatus::Pending))
}

async fn received(tx: &mut Tx, target: &Target) -> Result<Option<inbox::Model>, DbError> {
    let select = inbox::Entity::find()
        .filter(inbox::Column::Consumer.eq(&target.domain))
        .filter(inbox::Column::EventId.eq(target.event.uuid()));
    tx.one(select.lock_exclusive()).await
}

async fn emitted(tx: &mut Tx, target: &Target) -> Result<Option<outbox::Model>, DbError> {
    let select = outbox::Entity::find().filter(outbox::Column::EventId.eq(target.event.uuid()));
    tx.one(select.lock_exclusive()).await
}

fn status_of(row: &inbox::Model) -> EventStatus {
    EventRecord::from(row).consumers.first().map_or(EventStatus::Parked, |consumer| consumer.status)
}

fn dead_target(target: &Target) -> dead::Target {
    dead::Target { consumer: target.domain.clone(), event: target.event }
}

/// Only if nobody has tried it meanwhile; the row is locked, so nobody has.
fn try_now(tx: &mut Tx, target: &Target, waits_until: DateTime<Utc>) {
    tx.push(
        inbox::Entity::update_many()
            .col_expr(inbox::Column::NextAttemptAt, Expr::value(AT_ONCE))
            .filter(inbox::Column::Consumer.eq(&target.domain))
            .filter(inbox::Column::EventId.eq(target.event.uuid()))
            .filter(inbox::Column::NextAttemptAt.eq(waits_until)),
    );
}

fn noted(tx: &mut Tx, action: &str, target: &Target, status: EventStatus) -> Acted {
    audit::note(tx, action, format!("{}/{}", target.domain, target.event));
    Acted { changed: true, status }
}

const fn unchanged(status: EventStatus) -> Acted {
    Acted { changed: false, status }
}
