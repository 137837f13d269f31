//! From the outbox to the bus. Rule: selected by state, in storage order; no transaction is open while the bus is
//! spoken to; an event is marked only when all before it of its aggregate were accepted too.

mod lease;
mod outcome;

use crate::alive::Pulse;
use crate::due::due;
use crate::entity::outbox::{Column, Entity, Model};
use crate::inbox::tick;
use crate::steward::Steward;
use crate::tuning::Tuning;
use bus::EventBus;
use contracts::failpoint::{self, Point};
use db::{Db, DbError};
pub(crate) use lease::Lease;
use outcome::{Batch, Marks};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// No event passes one of the same aggregate that is backing off. A value and not EXISTS, which PostgreSQL would turn into
/// a join: with statistics of a moment when nothing backed off, it would go through all that ever did for every candidate.
/// The CASE hides that the index of what is pending would do, through which it would go in the same way.
const NOT_BEHIND: &str = r#"(SELECT p.id FROM outbox p WHERE p.aggregate_type = "outbox"."aggregate_type"
    AND p.aggregate_id = "outbox"."aggregate_id" AND p.aggregate_seq < "outbox"."aggregate_seq"
    AND p.attempts > 0 AND CASE WHEN p.published_at IS NULL THEN TRUE ELSE FALSE END LIMIT 1) IS NULL"#;

/// Events of a pass from which on it is worth it to wait for more.
const BUSY: usize = 8;
/// How long is waited for more.
const GATHER: Duration = Duration::from_millis(10);

/// Full batches that are offered until it is looked again from the first that waits.
const AT_A_STRETCH: usize = 16;

/// The relay of one outbox.
pub(crate) struct Relay {
    pub domain: &'static str,
    pub db: Db,
    pub bus: Arc<dyn EventBus>,
    pub tuning: Tuning,
    pub lease: Lease,
    pub pulse: Arc<Pulse>,
    pub steward: Arc<Steward>,
    /// Told when this process begins to relay.
    pub led: Arc<Notify>,
}

/// What one pass came to.
enum Pass {
    /// There may be more.
    Full,
    /// So many went; nothing is left that can go now.
    Drained(usize),
    /// There was nothing to do.
    Idle,
    /// The bus could not say what became of something.
    Unsure,
}

impl Relay {
    /// Runs until `stop` says so; a batch that is under way is finished, and the lease given up.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let (shortest, longest) = self.tuning.poll;
        let mut pause = shortest;
        // Who hears since when stands there before the first event goes: what goes later is not older than that.
        while !*stop.borrow()
            && let Err(error) = self.steward.note_consumers().await
        {
            tracing::warn!(domain = self.domain, %error, "who hears this domain could not be noted");
            pause = self.back_off(&mut stop, pause).await;
        }
        while !*stop.borrow() {
            self.pulse.beat();
            let leads = self.lease.keep(&self.db, &self.tuning).await;
            if !self.steward.leads.swap(leads, Ordering::AcqRel) && leads {
                self.led.notify_one();
            }
            let pass = if leads { self.pass(&stop).await } else { Ok(Pass::Idle) };
            match pass {
                Ok(Pass::Full) => {
                    pause = shortest;
                    continue;
                }
                Ok(Pass::Drained(events)) => {
                    pause = shortest;
                    if events >= BUSY {
                        self.gather(&mut stop).await;
                    }
                }
                Ok(Pass::Idle) => pause = (pause * 2).min(longest),
                Ok(Pass::Unsure) => {
                    pause = self.back_off(&mut stop, pause).await;
                    continue;
                }
                Err(error) => {
                    tracing::warn!(domain = self.domain, %error, "the outbox could not be read or marked");
                    pause = self.back_off(&mut stop, pause).await;
                    continue;
                }
            }
            tokio::select! {
                told = stop.changed() => if told.is_err() { return },
                () = self.db.committed().notified() => pause = shortest,
                () = tick(self.tuning.polling, pause) => {}
                () = tokio::time::sleep(self.lease.next(&self.tuning)) => {}
            }
        }
        self.steward.leads.store(false, Ordering::Release);
        self.lease.release(&self.db).await;
    }

    /// Lets more events come together: a pass over a few costs almost as much as one over many.
    async fn gather(&self, stop: &mut watch::Receiver<bool>) {
        tokio::select! {
            _ = stop.changed() => {}
            () = tokio::time::sleep(GATHER) => {}
        }
    }

    /// Waits without listening to the wake-up: the bus or the database needs a rest.
    async fn back_off(&self, stop: &mut watch::Receiver<bool>, pause: Duration) -> Duration {
        tokio::select! {
            _ = stop.changed() => {}
            () = tokio::time::sleep(pause) => {}
        }
        (pause * 2).min(self.tuning.poll.1)
    }

    /// Offers what waits. While batches are full, the next one is read and the one before is marked while one is under
    /// way: all three wait for different things. None is begun when the relay is to stop, to renew its lease or to be silent.
    async fn pass(&self, stop: &watch::Receiver<bool>) -> Result<Pass, DbError> {
        let (mut rows, mut marks, mut events) = (self.pending(None).await?, Marks::default(), 0);
        if rows.is_empty() {
            return Ok(Pass::Idle);
        }
        for _ in 0..AT_A_STRETCH {
            self.pulse.beat();
            let last = rows.last().filter(|_| self.is_full(&rows)).map(|row| row.id);
            let batch = Batch::of(rows);
            events = batch.envelopes.len();
            let (outcomes, next, marked) = tokio::join!(
                self.bus.publish_batch(&batch.envelopes, self.tuning.publish_deadline),
                self.following(last),
                self.mark(std::mem::take(&mut marks)),
            );
            failpoint::pass(Point::BeforeMark);
            marks = batch.sort(outcomes);
            rows = match marked.and(next) {
                Ok(next) => next,
                Err(error) => return self.mark(marks).await.and(Err(error)),
            };
            let goes_on = !*stop.borrow() && !self.lease.is_due() && !self.db.gate().is_closed();
            if rows.is_empty() || !marks.is_clean() || !goes_on {
                break;
            }
        }
        let unsure = marks.unsure.clone();
        self.mark(marks).await?;
        if let Some(reason) = unsure {
            tracing::debug!(domain = self.domain, reason, "the bus could not take everything; it is offered again");
            return Ok(Pass::Unsure);
        }
        Ok(if rows.is_empty() { Pass::Drained(events) } else { Pass::Full })
    }

    /// What comes after a full batch.
    async fn following(&self, last: Option<i64>) -> Result<Vec<Model>, DbError> {
        match last {
            Some(last) => self.pending(Some(last)).await,
            None => Ok(Vec::new()),
        }
    }

    /// What can be offered, in storage order, behind a row; nothing while nothing may be.
    async fn pending(&self, after: Option<i64>) -> Result<Vec<Model>, DbError> {
        if self.db.gate().is_closed() {
            return Ok(Vec::new());
        }
        let pending = Entity::find()
            .filter(Column::PublishedAt.is_null())
            .filter(due(Column::NextAttemptAt, self.db.clock().now(), self.tuning.backoff.1))
            .filter(Expr::cust(NOT_BEHIND))
            .filter(Condition::all().add_option(after.map(|id| Column::Id.gt(id))))
            .order_by_asc(Column::Id)
            .limit(self.tuning.batch);
        self.db.reader().by_index().all(pending).await
    }

    fn is_full(&self, rows: &[Model]) -> bool {
        u64::try_from(rows.len()).unwrap_or_default() >= self.tuning.batch
    }

    async fn mark(&self, marks: Marks) -> Result<(), DbError> {
        for refused in &marks.refused {
            tracing::error!(domain = self.domain, event_id = %refused.event_id, error = refused.error, "an event cannot be published; its aggregate waits");
        }
        if marks.accepted.is_empty() && marks.refused.is_empty() {
            return Ok(());
        }
        let command = outcome::Mark { marks, backoff: self.tuning.backoff };
        self.db.write(&db::Context::default(), &command, outcome::mark).await
    }
}
