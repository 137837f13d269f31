//! How far the streams are. Rule: what was published a minute ago has arrived, or is lost; so a consumer that is told of
//! it then notices also when an aggregate's last event is missing, which no later event would show.

use crate::entity::outbox::{Column, Entity, Model};
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

/// What was published lately, and up to when that was told.
struct Digest {
    told_up_to: DateTime<Utc>,
}

/// Tells consumers how far the streams are, as long as this process relays the outbox. Runs until `stop` says so.
pub(crate) async fn announce(steward: Arc<Steward>, wake: Arc<Notify>, mut stop: watch::Receiver<bool>) {
    let mut digest = Digest { told_up_to: steward.old_enough() - steward.age() };
    match steward.last_published().await {
        // Whoever relayed before, in another life of this process perhaps, had not told of its last two minutes.
        Ok(Some(last)) => digest.told_up_to = digest.told_up_to.min(last - steward.age() * 2),
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
            digest.told_up_to = digest.told_up_to.max(steward.old_enough() - steward.age());
        }
        tokio::select! {
            told = stop.changed() => if told.is_err() { return },
            () = wake.notified() => {}
            () = tick(steward.tuning.polling, steward.tuning.digest.0) => {}
        }
    }
}

impl Digest {
    /// Tells what became old enough since the last time. What a consumer could not be told is told again.
    async fn tell(&mut self, steward: &Steward) -> Result<(), DbError> {
        let until = steward.old_enough();
        if until <= self.told_up_to {
            return Ok(());
        }
        let rows = steward.published_between(self.told_up_to, until).await?;
        if rows.is_empty() {
            self.told_up_to = until;
            return Ok(());
        }
        let mut complete = true;
        for stream in STREAMS.iter().filter(|stream| stream.domain == steward.domain) {
            for consumer in steward.hearers(stream.aggregate) {
                let since = steward.hears_since(consumer).await?;
                let heads = newest(rows.iter().filter(|row| {
                    row.aggregate_type == stream.aggregate && row.published_at.is_some_and(|at| at >= since)
                }));
                for heads in heads.chunks(AT_ONCE) {
                    complete &= steward.tell_heads(consumer, stream.aggregate, heads.to_vec(), false).await;
                }
            }
        }
        if complete {
            self.told_up_to = until;
        }
        Ok(())
    }
}

/// The newest event of each aggregate.
fn newest<'a>(rows: impl Iterator<Item = &'a Model>) -> Vec<Head> {
    let mut newest: BTreeMap<&str, (i64, i32)> = BTreeMap::new();
    for row in rows {
        let known = newest.entry(&row.aggregate_id).or_default();
        *known = (known.0.max(row.aggregate_seq), known.1.max(row.stream_epoch));
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

    async fn published_between(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> Result<Vec<Model>, DbError> {
        let (mut rows, mut behind) = (Vec::new(), (from, i64::MAX));
        loop {
            let (at, id) = behind;
            let same = Condition::all().add(Column::PublishedAt.eq(at)).add(Column::Id.gt(id));
            let page = Entity::find()
                .filter(Condition::any().add(Column::PublishedAt.gt(at)).add(same))
                .filter(Column::PublishedAt.gte(at))
                .filter(Column::PublishedAt.lte(until))
                .order_by_asc(Column::PublishedAt)
                .order_by_asc(Column::Id)
                .limit(ROWS);
            let page = self.db.reader().all(page).await?;
            let full = u64::try_from(page.len()).unwrap_or_default() >= ROWS;
            if let Some(last) = page.last().filter(|_| full) {
                behind = (last.published_at.unwrap_or(until), last.id);
            }
            rows.extend(page.into_iter().map(|row| Model { payload: Vec::new(), headers: String::new(), ..row }));
            if !full {
                return Ok(rows);
            }
        }
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
            let rows = self.db.reader().rows::<(String, i64, i32, Option<DateTime<Utc>>)>(page).await?;
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
