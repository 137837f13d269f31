//! From the outbox to the bus. Rule: selected by state, in storage order; no transaction is open while the bus is
//! spoken to; an event is marked only when all before it of its aggregate were accepted too.

mod lease;
mod outcome;

use crate::alive::Pulse;
use crate::due::due;
use crate::entity::outbox::{Column, Entity};
use crate::inbox::tick;
use crate::steward::Steward;
use crate::tuning::Tuning;
use bus::EventBus;
use contracts::failpoint::{self, Point};
use db::{Db, DbError};
pub(crate) use lease::Lease;
use outcome::{Batch, Marks};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// No event passes one of the same aggregate that is backing off.
const NOT_BEHIND: &str = r#"NOT EXISTS (SELECT 1 FROM outbox p WHERE p.aggregate_type = "outbox"."aggregate_type"
    AND p.aggregate_id = "outbox"."aggregate_id" AND p.aggregate_seq < "outbox"."aggregate_seq"
    AND p.published_at IS NULL AND p.attempts > 0)"#;

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
    /// Something went; nothing is left that can go now.
    Drained,
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
            let pass = if leads { self.pass().await } else { Ok(Pass::Idle) };
            match pass {
                Ok(Pass::Full) => {
                    pause = shortest;
                    continue;
                }
                Ok(Pass::Drained) => pause = shortest,
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

    /// Waits without listening to the wake-up: the bus or the database needs a rest.
    async fn back_off(&self, stop: &mut watch::Receiver<bool>, pause: Duration) -> Duration {
        tokio::select! {
            _ = stop.changed() => {}
            () = tokio::time::sleep(pause) => {}
        }
        (pause * 2).min(self.tuning.poll.1)
    }

    async fn pass(&self) -> Result<Pass, DbError> {
        if self.db.gate().is_closed() {
            return Ok(Pass::Idle);
        }
        let pending = Entity::find()
            .filter(Column::PublishedAt.is_null())
            .filter(due(Column::NextAttemptAt, self.db.clock().now(), self.tuning.backoff.1))
            .filter(Expr::cust(NOT_BEHIND))
            .order_by_asc(Column::Id)
            .limit(self.tuning.batch);
        let rows = self.db.reader().all(pending).await?;
        let full = u64::try_from(rows.len()).unwrap_or_default() >= self.tuning.batch;
        if rows.is_empty() {
            return Ok(Pass::Idle);
        }
        let batch = Batch::of(rows);
        let outcomes = self.bus.publish_batch(&batch.envelopes, self.tuning.publish_deadline).await;
        failpoint::pass(Point::BeforeMark);
        let marks = batch.sort(outcomes);
        let unsure = marks.unsure.clone();
        self.mark(marks).await?;
        if let Some(reason) = unsure {
            tracing::debug!(domain = self.domain, reason, "the bus could not take everything; it is offered again");
            return Ok(Pass::Unsure);
        }
        Ok(if full { Pass::Full } else { Pass::Drained })
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
