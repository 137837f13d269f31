//! What waits. Rule: any number of workers may run; the watermark's row is the fence. An event is tried when its time
//! has come and all before it are through.

use super::apply::{apply, context};
use super::deliver::{Inbox, Incoming};
use super::failure::{self, Attempt, Condemned};
use super::head::{self, Key};
use crate::alive::Pulse;
use crate::due::due;
use crate::entity::inbox::{Column, Entity, Model, WAITING, is};
use crate::listener::ListenError;
use crate::row;
use contracts::failpoint::{self, Point};
use db::{Context, DbError, Tx};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;

/// Rows that one look fetches.
const AT_ONCE: u64 = 64;

/// Its turn has come: it is next, or it was passed and somebody wants it replayed. A value and not EXISTS, which
/// PostgreSQL would turn into a join: without statistics it may then merge all rows that there are, at every look.
const TURN: &str = r#"(SELECT "inbox"."aggregate_seq" = h.last_seq + 1
    OR ("inbox"."replays" > 0 AND "inbox"."aggregate_seq" <= h.last_seq) FROM inbox_head h
    WHERE h.consumer = "inbox"."consumer" AND h.source = "inbox"."source"
    AND h.aggregate_type = "inbox"."aggregate_type" AND h.aggregate_id = "inbox"."aggregate_id")"#;

/// Runs until `stop` says so.
pub(crate) async fn work_what_waits(inbox: Inbox, pulse: Arc<Pulse>, mut stop: watch::Receiver<bool>) {
    let (shortest, longest) = inbox.tuning.poll;
    let mut pause = shortest;
    while !*stop.borrow() {
        pulse.beat();
        let worked = match work_due(&inbox, &stop).await {
            Ok(worked) => worked,
            Err(error) => {
                tracing::warn!(consumer = inbox.listeners.consumer, %error, "what waits in the inbox could not be read");
                false
            }
        };
        if worked {
            pause = shortest;
            continue;
        }
        tokio::select! {
            told = stop.changed() => if told.is_err() { return },
            () = inbox.wake.notified() => pause = shortest,
            () = tick(inbox.tuning.polling, pause) => pause = (pause * 2).min(longest),
        }
    }
}

/// Ends after `pause`, or never when polling is off.
pub(crate) async fn tick(polling: bool, pause: Duration) {
    if polling { sleep(pause).await } else { std::future::pending().await }
}

/// Works what is due now; true when something changed, so that another look is worth it.
async fn work_due(inbox: &Inbox, stop: &watch::Receiver<bool>) -> Result<bool, DbError> {
    let waiting = Entity::find()
        .filter(Column::Consumer.eq(inbox.listeners.consumer))
        .filter(is(WAITING))
        .filter(due(Column::NextAttemptAt, inbox.db.clock().now(), inbox.tuning.backoff.1))
        .filter(Expr::cust(TURN))
        .order_by_asc(Column::NextAttemptAt)
        .order_by_asc(Column::ReceivedAt)
        .limit(AT_ONCE);
    let (mut progress, mut trouble) = (false, None);
    for row in inbox.db.reader().all(waiting).await? {
        if *stop.borrow() {
            break;
        }
        // Trouble with one row may be trouble with that row alone.
        match work_one(inbox, row).await {
            Ok(worked) => progress |= worked,
            Err(error) => trouble = Some(error),
        }
    }
    match trouble {
        Some(error) if !progress => Err(error),
        _ => Ok(progress),
    }
}

/// Works one row; true when it was handled or its failure noted.
async fn work_one(inbox: &Inbox, row: Model) -> Result<bool, DbError> {
    let event_id = row.event_id;
    let envelope = match row::parked(row) {
        Ok(envelope) => envelope,
        Err(damaged) => {
            let consumer = inbox.listeners.consumer;
            tracing::error!(consumer, %event_id, error = %damaged, "a waiting event cannot be read; it is dead");
            let condemned = Condemned { consumer, event_id, error: damaged.to_string() };
            return inbox.db.write(&Context::default(), &condemned, failure::condemn).await.map(|()| true);
        }
    };
    let waiting = Incoming { inbox: inbox.clone(), envelope };
    match inbox.db.write(&context(&waiting.envelope), &waiting, work).await {
        Ok(handled) => Ok(handled),
        Err(error) => match inbox.failed(waiting, &error, Attempt::InTime).await {
            Ok(_) => Ok(true),
            Err(trouble) => Err(DbError::Unavailable(trouble.0)),
        },
    }
}

async fn work(tx: &mut Tx, waiting: &Incoming) -> Result<bool, ListenError> {
    let Incoming { inbox, envelope } = waiting;
    let consumer = inbox.listeners.consumer;
    let key = Key::of(consumer, envelope);
    // Whoever holds it works this very stream, and takes what is next when it is done.
    let Some(head) = head::try_lock(tx, &key).await? else { return Ok(false) };
    let row = failure::find(tx, &key, envelope).await?;
    let Some(row) = row.filter(|row| row.status == WAITING) else { return Ok(false) };
    let next = envelope.sequence == head.last_seq + 1;
    let replayed = row.replays > 0 && envelope.sequence <= head.last_seq;
    if !next && !replayed {
        return Ok(false);
    }
    if envelope.stream_epoch != head.stream_epoch {
        failure::put_off(tx, &key, envelope, inbox.tuning.backoff.1);
        return Ok(false);
    }
    apply(tx, &inbox.listeners, envelope, inbox.tuning.listener_deadline).await?;
    failure::finish(tx, &key, envelope);
    if row.replays > 0 {
        failpoint::pass(Point::MidReplay);
    }
    if next {
        head::advance(tx, &key, envelope.sequence);
    }
    Ok(true)
}
