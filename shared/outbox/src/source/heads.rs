//! How far the streams are. Rule: what was published a minute ago has arrived, or is lost; so a consumer that is told of
//! it then notices also when an aggregate's last event is missing, which no later event would show.

use crate::entity::outbox::{Column, Entity};
use crate::inbox::tick;
use crate::steward::Steward;
use bus::Published;
use chrono::{DateTime, TimeDelta, Utc};
use contracts::topology::STREAMS;
use contracts::{Control, Head, Heads};
use db::DbError;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;
use tokio::sync::{Notify, watch};
use uuid::Uuid;

/// Heads of one message.
const AT_ONCE: usize = 500;
/// Rows that one look fetches.
const ROWS: u64 = 2_000;

/// When a row was published, and its id: rows of one instant are told apart by it.
type Place = (DateTime<Utc>, i64);

/// The end of an instant.
const fn end_of(instant: DateTime<Utc>) -> Place {
    (instant, i64::MAX)
}

/// What was published lately, and up to where that was told.
struct Digest {
    told_up_to: Place,
}

/// The aggregate that is heard, who hears it, and since when.
type Hearer = (&'static str, &'static str, DateTime<Utc>);

/// An event that was published.
struct Row {
    id: i64,
    aggregate_type: String,
    aggregate_id: String,
    seq: i64,
    epoch: i32,
    published_at: DateTime<Utc>,
}

/// Tells consumers how far the streams are, as long as this process relays the outbox. Runs until `stop` says so.
pub(crate) async fn announce(steward: Arc<Steward>, wake: Arc<Notify>, mut stop: watch::Receiver<bool>) {
    let mut digest = Digest { told_up_to: end_of(steward.old_enough() - steward.age()) };
    match steward.last_published().await {
        // Whoever relayed before, in another life of this process perhaps, had not told of its last two minutes.
        Ok(Some(last)) => digest.told_up_to = digest.told_up_to.min(end_of(last - steward.age() * 2)),
        Ok(None) => {}
        Err(error) => tracing::warn!(domain = steward.domain, %error, "when the last event was published is not known"),
    }
    // Until then this process may have yet to take the lease, and nobody else has told what it is about to tell.
    let another_leads = Instant::now() + steward.tuning.lease.0;
    while !*stop.borrow() {
        if steward.db.gate().is_closed() {
            // How far the streams are is in doubt itself.
        } else if steward.leads.load(Ordering::Acquire) {
            if let Err(error) = digest.tell(&steward).await {
                tracing::warn!(domain = steward.domain, %error, "how far the streams are could not be told");
            }
        } else if Instant::now() >= another_leads {
            // Whoever relays tells; should this process take over, it begins a little before that.
            digest.told_up_to = digest.told_up_to.max(end_of(steward.old_enough() - steward.age()));
        }
        tokio::select! {
            told = stop.changed() => if told.is_err() { return },
            () = wake.notified() => {}
            () = tick(steward.tuning.polling, steward.tuning.digest.0) => {}
        }
    }
}

impl Digest {
    /// Tells what became old enough since the last time, a page at a time, because nobody knows how much that is. Who could
    /// not be told is told again, from the page on at which that began; the others are told what is behind it all the same.
    async fn tell(&mut self, steward: &Steward) -> Result<(), DbError> {
        let (until, mut place, mut complete) = (steward.old_enough(), self.told_up_to, true);
        let mut hearers = steward.hearers_since().await?;
        while place < end_of(until) {
            let rows = steward.published_between(place, until).await?;
            let full = u64::try_from(rows.len()).unwrap_or_default() >= ROWS;
            let last = rows.last().filter(|_| full).map(|row| (row.published_at, row.id));
            let mut told = Vec::with_capacity(hearers.len());
            for hearer in &hearers {
                if steward.tell_of(&rows, *hearer).await {
                    told.push(*hearer);
                }
            }
            complete &= told.len() == hearers.len();
            hearers = told;
            place = last.unwrap_or(end_of(until));
            if complete {
                self.told_up_to = place;
            }
        }
        Ok(())
    }
}

/// The newest event of each aggregate.
fn newest<'a>(rows: impl Iterator<Item = &'a Row>) -> Vec<Head> {
    let mut newest: BTreeMap<&str, (i64, i32)> = BTreeMap::new();
    for row in rows {
        let known = newest.entry(&row.aggregate_id).or_default();
        *known = (known.0.max(row.seq), known.1.max(row.epoch));
    }
    let head = |(id, (seq, epoch)): (&str, (i64, i32))| Some(Head { id: id.parse().ok()?, seq, epoch, routed: true });
    newest.into_iter().filter_map(head).collect()
}

impl Steward {
    /// What was published before this has arrived, or is lost.
    fn old_enough(&self) -> DateTime<Utc> {
        self.db.clock().now() - self.age()
    }

    fn age(&self) -> TimeDelta {
        TimeDelta::from_std(self.tuning.digest.1).unwrap_or_default()
    }

    /// When anything was published last.
    async fn last_published(&self) -> Result<Option<DateTime<Utc>>, DbError> {
        let newest = Entity::find()
            .select_only()
            .column_as(Column::PublishedAt.max(), "last")
            .filter(Column::PublishedAt.is_not_null());
        let last = self.db.reader().rows::<(Option<DateTime<Utc>>,)>(newest).await?.into_iter().next();
        Ok(last.and_then(|(last,)| last))
    }

    async fn tell_heads(&self, consumer: &str, aggregate: &str, heads: Vec<Head>, last: bool) -> bool {
        let heads = Heads { source: self.domain.to_owned(), aggregate: aggregate.to_owned(), heads, last };
        self.tell(consumer, Control::Heads(heads)).await == Published::Accepted
    }

    /// Whether it could be told.
    async fn tell_of(&self, rows: &[Row], (aggregate, consumer, since): Hearer) -> bool {
        let heads = newest(rows.iter().filter(|row| row.aggregate_type == aggregate && row.published_at >= since));
        for heads in heads.chunks(AT_ONCE) {
            if !self.tell_heads(consumer, aggregate, heads.to_vec(), false).await {
                return false;
            }
        }
        true
    }

    /// Who hears the domain.
    async fn hearers_since(&self) -> Result<Vec<Hearer>, DbError> {
        let mut hearers = Vec::new();
        for stream in STREAMS.iter().filter(|stream| stream.domain == self.domain) {
            for consumer in self.hearers(stream.aggregate) {
                hearers.push((stream.aggregate, consumer, self.hears_since(consumer).await?));
            }
        }
        Ok(hearers)
    }

    /// The first behind a place, in the order in which they were published.
    async fn published_between(&self, (at, id): Place, until: DateTime<Utc>) -> Result<Vec<Row>, DbError> {
        let same = Condition::all().add(Column::PublishedAt.eq(at)).add(Column::Id.gt(id));
        let page = Entity::find()
            .select_only()
            .columns([Column::Id, Column::AggregateType, Column::AggregateId, Column::AggregateSeq])
            .columns([Column::StreamEpoch, Column::PublishedAt])
            .filter(Condition::any().add(Column::PublishedAt.gt(at)).add(same))
            .filter(Column::PublishedAt.gte(at))
            .filter(Column::PublishedAt.lte(until))
            .order_by_asc(Column::PublishedAt)
            .order_by_asc(Column::Id)
            .limit(ROWS);
        let rows = self.db.reader().by_index().rows::<(i64, String, String, i64, i32, DateTime<Utc>)>(page).await?;
        let row = |(id, aggregate_type, aggregate_id, seq, epoch, published_at)| Row {
            id,
            aggregate_type,
            aggregate_id,
            seq,
            epoch,
            published_at,
        };
        Ok(rows.into_iter().map(row).collect())
    }

    /// Tells a consumer how far everything is that the outbox still holds.
    pub(super) async fn tell_all_heads(
        &self,
        consumer: &str,
        aggregate: &str,
        since: DateTime<Utc>,
    ) -> Result<(), DbError> {
        let until = self.old_enough();
        let mut behind = String::new();
        loop {
            let page = Entity::find()
                .select_only()
                .column(Column::AggregateId)
                .column_as(Column::AggregateSeq.max(), "seq")
                .column_as(Column::StreamEpoch.max(), "epoch")
                .column_as(Column::PublishedAt.max(), "published")
                .filter(Column::AggregateType.eq(aggregate))
                .filter(Column::AggregateId.gt(&behind))
                .filter(Column::PublishedAt.lte(until))
                .group_by(Column::AggregateId)
                .order_by_asc(Column::AggregateId)
                .limit(u64::try_from(AT_ONCE).unwrap_or_default());
            let rows = self.db.reader().by_index().rows::<(String, i64, i32, Option<DateTime<Utc>>)>(page).await?;
            let last = rows.len() < AT_ONCE;
            behind = rows.last().map(|row| row.0.clone()).unwrap_or_default();
            let head = |(id, seq, epoch, published): (String, i64, i32, Option<DateTime<Utc>>)| {
                let routed = published.is_some_and(|at| at >= since);
                Some(Head { id: id.parse::<Uuid>().ok()?, seq, epoch, routed })
            };
            let heads = rows.into_iter().filter_map(head).collect();
            if !self.tell_heads(consumer, aggregate, heads, last).await || last {
                return Ok(());
            }
        }
    }
}
