//! Who hears this domain since when. Rule: the instant is never later than the first event that was routed to the
//! consumer, and it is noted before anything is published; too early costs a repetition, too late would lose an event.

use crate::entity::outbox;
use crate::entity::outbox_consumer::{ActiveModel, Column, Entity};
use crate::steward::Steward;
use chrono::{DateTime, TimeDelta, Utc};
use contracts::topology::STREAMS;
use db::{Context, Db, DbError, Tx};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set};
use std::collections::BTreeSet;

/// All that was ever published went to it.
pub(super) const ALWAYS: DateTime<Utc> = DateTime::UNIX_EPOCH;

/// The consumers that something is routed to from now on.
struct Routed {
    consumers: BTreeSet<&'static str>,
    overlap: TimeDelta,
    /// Whether all others are forgotten.
    alone: bool,
}

/// A consumer, and since when it hears this domain at the latest.
struct Earlier(String, DateTime<Utc>);

impl Steward {
    /// Notes who hears this domain, before its relay publishes anything.
    pub(crate) async fn note_consumers(&self) -> Result<(), DbError> {
        let streams = STREAMS.iter().filter(|stream| stream.domain == self.domain);
        let consumers: BTreeSet<_> = streams.flat_map(|stream| self.hearers(stream.aggregate)).collect();
        let noted = self.db.reader().all(Entity::find()).await?;
        if noted.iter().map(|row| row.consumer.as_str()).eq(consumers.iter().copied()) {
            return Ok(());
        }
        let routed = Routed { consumers, overlap: self.overlap(), alone: true };
        self.db.write(&Context::default(), &routed, note).await
    }

    /// Since when a consumer hears this domain; one that asks without being noted is noted.
    pub(super) async fn hears_since(&self, consumer: &str) -> Result<DateTime<Utc>, DbError> {
        if let Some(since) = since(&self.db, consumer).await? {
            return Ok(since);
        }
        let known = STREAMS.iter().filter(|stream| stream.domain == self.domain);
        let known: BTreeSet<_> = known.flat_map(|stream| self.hearers(stream.aggregate)).collect();
        let Some(consumer) = known.into_iter().find(|known| *known == consumer) else {
            return Err(DbError::Unavailable(format!("nothing of {} is routed to {consumer} yet", self.domain)));
        };
        let routed = Routed { consumers: BTreeSet::from([consumer]), overlap: self.overlap(), alone: false };
        self.db.write(&Context::default(), &routed, note).await?;
        since(&self.db, consumer).await?.ok_or_else(|| DbError::Unavailable(format!("{consumer} was not noted")))
    }

    /// Notes that a consumer may have heard this domain earlier than was noted; since when it does.
    pub(super) async fn hears_earlier(
        &self,
        consumer: &str,
        noted: DateTime<Utc>,
        earliest: DateTime<Utc>,
    ) -> Result<DateTime<Utc>, DbError> {
        if noted <= earliest {
            return Ok(noted);
        }
        self.db
            .write(&Context::default(), &Earlier(consumer.to_owned(), earliest), note_earlier)
            .await
            .map(|()| earliest)
    }

    /// How much earlier a consumer may have been routed to than anybody noticed.
    pub(super) fn overlap(&self) -> TimeDelta {
        let overlap = self.bus.upgrade().map(|bus| bus.overlap()).unwrap_or_default();
        TimeDelta::from_std(overlap).unwrap_or_default()
    }
}

/// Since when; none when it is not noted.
async fn since(db: &Db, consumer: &str) -> Result<Option<DateTime<Utc>>, DbError> {
    Ok(db.reader().one(Entity::find_by_id(consumer)).await?.map(|row| row.since))
}

async fn note(tx: &mut Tx, routed: &Routed) -> Result<(), DbError> {
    // Where nothing was ever published nobody has missed anything.
    let published = outbox::Entity::find().filter(outbox::Column::PublishedAt.is_not_null());
    let since = match tx.one(published).await? {
        Some(_) => tx.now() - routed.overlap,
        None => ALWAYS,
    };
    if routed.alone {
        let others = Entity::delete_many().filter(Column::Consumer.is_not_in(routed.consumers.iter().copied()));
        tx.run(others).await?;
    }
    for consumer in &routed.consumers {
        let row = ActiveModel { consumer: Set((*consumer).to_owned()), since: Set(since) };
        let known = OnConflict::column(Column::Consumer).do_nothing().to_owned();
        tx.run(Entity::insert(row).on_conflict(known)).await?;
    }
    Ok(())
}

async fn note_earlier(tx: &mut Tx, Earlier(consumer, since): &Earlier) -> Result<(), DbError> {
    let earlier = Entity::update_many()
        .col_expr(Column::Since, Expr::value(*since))
        .filter(Column::Consumer.eq(consumer))
        .filter(Column::Since.gt(*since));
    tx.run(earlier).await.map(drop)
}
