//! Who opens and closes the way into the outbox. Rule: what the database says of itself holds for every process on it; what
//! waits is counted only when there may be much of it, because counting costs as much as there is.

use crate::entity::outbox::{Column, Entity};
use crate::inbox::tick;
use crate::restored::{Standing, read, restamp};
use crate::steward::Steward;
use bus::Published;
use contracts::{Control, Started};
use db::{Context, DbError, Load, Tx};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::watch;

/// Below this part of the limit nobody has to count.
const FEW: i64 = 4;
/// So many looks later it is counted all the same: other processes emit as well.
const AT_LATEST: u32 = 15;

/// Watches one outbox. Runs until `stop` says so.
pub(crate) async fn keep_watch(steward: Arc<Steward>, mut stop: watch::Receiver<bool>) {
    let mut watching = Watching { told: None, untold: BTreeSet::new(), looks: 0 };
    while !*stop.borrow() {
        if let Err(error) = watching.look(&steward).await {
            tracing::warn!(domain = steward.domain, %error, "it could not be looked how much waits in the outbox");
        }
        tokio::select! {
            told = stop.changed() => if told.is_err() { return },
            () = steward.look_again.notified() => {}
            () = tick(steward.tuning.polling, steward.tuning.watch) => {}
        }
    }
}

struct Watching {
    /// The epoch that consumers were told of.
    told: Option<i32>,
    /// Consumers who could not be told.
    untold: BTreeSet<&'static str>,
    looks: u32,
}

impl Watching {
    async fn look(&mut self, steward: &Steward) -> Result<(), DbError> {
        let standing = steward.look_at_itself().await?;
        if standing.older.is_none() && standing.epoch > 1 && steward.leads.load(Ordering::Acquire) {
            steward.stamp(standing.epoch).await?;
        }
        if self.told != Some(standing.epoch) {
            (self.told, self.untold) = (Some(standing.epoch), steward.all_hearers());
        }
        for consumer in std::mem::take(&mut self.untold) {
            let started = Started { source: steward.domain.to_owned(), epoch: standing.epoch };
            let told = steward.tell(consumer, Control::Started(started)).await;
            // Who is not there tells by itself when it comes.
            if !matches!(told, Published::Accepted | Published::NoRoute) {
                self.untold.insert(consumer);
            }
        }
        let (gate, limit) = (steward.db.gate(), steward.tuning.outbox);
        let thought = gate.load();
        let many = thought.events >= limit.events / FEW || thought.bytes >= limit.bytes / FEW;
        if many || self.looks.is_multiple_of(AT_LATEST) {
            gate.counted(thought, steward.count().await?);
        }
        self.looks = self.looks.wrapping_add(1);
        Ok(())
    }
}

impl Steward {
    /// Finds out, before anything can be emitted, whether it may be.
    pub(crate) async fn prepare(&self) {
        self.db.gate().limit(self.tuning.outbox);
        let expected = async {
            self.look_at_itself().await?;
            self.db.gate().counted(self.db.gate().load(), self.count().await?);
            self.expect_checks().await
        };
        if let Err(error) = expected.await {
            tracing::warn!(domain = self.domain, %error, "it could not be looked whether events may be emitted");
            self.db.gate().close(Some("it is not known yet whether events may be emitted".to_owned()));
        }
    }

    /// Lets the gate be as the database says.
    pub(crate) async fn look_at_itself(&self) -> Result<Standing, DbError> {
        let standing = read(&self.db).await?;
        let gate = self.db.gate();
        gate.begin_epoch(standing.epoch);
        gate.close(standing.trouble(self.domain));
        Ok(standing)
    }

    /// Another process may have emitted before it knew that there is a new epoch.
    async fn stamp(&self, epoch: i32) -> Result<(), DbError> {
        let old = Entity::find().filter(Column::PublishedAt.is_null()).filter(Column::StreamEpoch.lt(epoch));
        if self.db.reader().one(old).await?.is_some() {
            self.db.write(&Context::default(), &epoch, stamp).await?;
        }
        Ok(())
    }

    /// What waits.
    async fn count(&self) -> Result<Load, DbError> {
        let sizes = Entity::find()
            .select_only()
            .column_as(Column::Id.count(), "events")
            .column_as(Expr::cust(BYTES), "bytes")
            .filter(Column::PublishedAt.is_null());
        let counted = self.db.reader().rows::<(i64, Option<i64>)>(sizes).await?.into_iter().next();
        Ok(counted.map_or_else(Load::default, |(events, bytes)| Load { events, bytes: bytes.unwrap_or_default() }))
    }
}

/// Written out, because both databases know it by this name and give it different types.
const BYTES: &str = "CAST(SUM(LENGTH(payload) + LENGTH(headers)) AS bigint)";

async fn stamp(tx: &mut Tx, epoch: &i32) -> Result<(), DbError> {
    tx.run(restamp(*epoch)).await.map(drop)
}
