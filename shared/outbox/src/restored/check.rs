//! The publishing side: does this database hold what was heard of it? Rule: an event that somebody took and that is too
//! young to have been deleted is in the outbox, or the outbox is not the one that it came from.

use super::standing::read;
use crate::cleanup::KEPT;
use crate::entity::outbox;
use crate::entity::stream_epoch::{Column, Entity, ONE};
use crate::steward::Steward;
use chrono::{DateTime, TimeDelta, Utc};
use contracts::Heard;
use contracts::topology::STREAMS;
use db::{Context, DbError, Tx};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;
use uuid::Uuid;

/// What is nearly old enough to be deleted proves nothing.
const MARGIN: TimeDelta = TimeDelta::days(1);

/// Which consumers have not said yet what they heard, since this process started.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    silent: Mutex<BTreeSet<String>>,
    changed: watch::Sender<()>,
}

impl Checks {
    fn expect(&self, consumers: BTreeSet<String>) {
        *self.silent.lock().unwrap_or_else(PoisonError::into_inner) = consumers;
    }

    fn done(&self, consumer: &str) {
        self.silent.lock().unwrap_or_else(PoisonError::into_inner).remove(consumer);
        self.changed.send_replace(());
    }

    fn silent(&self) -> Vec<String> {
        self.silent.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Returns when all have said it, or after `within`; those who have not.
    pub(crate) async fn complete(&self, within: Duration) -> Vec<String> {
        let mut changed = self.changed.subscribe();
        let all = async { while !self.silent().is_empty() && changed.changed().await.is_ok() {} };
        let _ = timeout(within, all).await;
        self.silent()
    }
}

/// Proof that the database is older than what was heard of it.
struct Proof {
    evidence: String,
    heard: i32,
}

impl Steward {
    /// All who hear this domain are to say what they heard; nobody where nothing was ever published.
    pub(crate) async fn expect_checks(&self) -> Result<(), DbError> {
        let published = outbox::Entity::find().filter(outbox::Column::PublishedAt.is_not_null());
        let any = self.db.reader().one(published).await?;
        let consumers = any.map(|_| self.all_hearers()).unwrap_or_default();
        self.checks.expect(consumers.into_iter().map(str::to_owned).collect());
        Ok(())
    }

    /// Everybody who hears any stream of this domain.
    pub(crate) fn all_hearers(&self) -> BTreeSet<&'static str> {
        let streams = STREAMS.iter().filter(|stream| stream.domain == self.domain);
        streams.flat_map(|stream| self.hearers(stream.aggregate)).collect()
    }

    /// Compares what a consumer heard with what is here.
    pub(crate) async fn check(&self, heard: &Heard) -> Result<(), DbError> {
        if let Some(proof) = self.proof(heard).await? {
            let was_new = self.db.write(&Context::default(), &proof, note).await?;
            if was_new {
                tracing::error!(
                    domain = self.domain,
                    evidence = proof.evidence,
                    "this database is older than what others heard of it; it emits and publishes nothing until an operator decides"
                );
            }
            // Nothing goes out in the meantime.
            self.look_at_itself().await?;
        }
        self.checks.done(&heard.consumer);
        Ok(())
    }

    async fn proof(&self, heard: &Heard) -> Result<Option<Proof>, DbError> {
        let epoch = read(&self.db).await?.epoch;
        if heard.epoch > epoch {
            let evidence =
                format!("{} has heard its stream epoch {}, and here it is {epoch}", heard.consumer, heard.epoch);
            return Ok(Some(Proof { evidence, heard: heard.epoch }));
        }
        // What it heard before the operator decided proves nothing any more.
        if heard.epoch < epoch {
            return Ok(None);
        }
        let young: Vec<Uuid> = heard.events.iter().copied().filter(|event| self.is_young(*event)).collect();
        let known = outbox::Entity::find()
            .select_only()
            .column(outbox::Column::EventId)
            .filter(outbox::Column::EventId.is_in(young.iter().copied()));
        let known: BTreeSet<Uuid> =
            self.db.reader().rows::<(Uuid,)>(known).await?.into_iter().map(|(id,)| id).collect();
        let Some(newest) = young.into_iter().filter(|event| !known.contains(event)).max() else { return Ok(None) };
        let at = made_at(newest).map(|at| at.format("%Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default();
        let evidence = format!("{} has heard its event {newest} of {at}, and it is not here", heard.consumer);
        Ok(Some(Proof { evidence, heard: heard.epoch }))
    }

    fn is_young(&self, event: Uuid) -> bool {
        made_at(event).is_some_and(|at| at > self.db.clock().now() - KEPT + MARGIN)
    }
}

/// When an event was made, by its id.
fn made_at(event: Uuid) -> Option<DateTime<Utc>> {
    let (seconds, nanoseconds) = event.get_timestamp().filter(|_| event.get_version_num() == 7)?.to_unix();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanoseconds)
}

/// True when nobody knew it yet. Whoever heard an older epoch than the present one has proved nothing: somebody has decided
/// in the meantime.
async fn note(tx: &mut Tx, proof: &Proof) -> Result<bool, DbError> {
    let raised = Entity::update_many()
        .col_expr(Column::Heard, Expr::value(proof.heard))
        .filter(Column::Id.eq(ONE))
        .filter(Column::Heard.lt(proof.heard));
    tx.run(raised).await?;
    let now = tx.now();
    let noted = Entity::update_many()
        .col_expr(Column::OlderSince, Expr::value(now))
        .col_expr(Column::Evidence, Expr::value(proof.evidence.clone()))
        .filter(Column::Id.eq(ONE))
        .filter(Column::Epoch.lte(proof.heard))
        .filter(Column::OlderSince.is_null());
    Ok(tx.run(noted).await? == 1)
}
