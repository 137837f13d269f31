//! Gaps. Rule: an event that has waited for the one before it for a minute waits for one that was lost; it is asked for,
//! and what waits stays where it is.

use crate::entity::{inbox, inbox_head};
use crate::inbox::{Inbox, Key};
use crate::steward::Steward;
use bus::Published;
use chrono::{DateTime, TimeDelta, Utc};
use contracts::{Control, Range, Replay};
use db::DbError;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Rows that one look fetches; the oldest first.
const ROWS: u64 = 1_000;
/// Ranges of one question.
const AT_ONCE: usize = 500;

/// Waits for its turn, and no listener has failed on it. Written out, for the partial index.
const PARKED: &str = "status = 0 AND attempts = 0";
/// The event before it is not there. A value and not EXISTS, which PostgreSQL would turn into a join: without statistics
/// it may then go through all rows that there are, at every look.
const TOO_EARLY: &str = r#"(SELECT "inbox"."aggregate_seq" > h.last_seq + 1 FROM inbox_head h
    WHERE h.consumer = "inbox"."consumer" AND h.source = "inbox"."source"
    AND h.aggregate_type = "inbox"."aggregate_type" AND h.aggregate_id = "inbox"."aggregate_id")"#;

/// A stream, by the names of publisher and aggregate.
type Stream = (String, String);

impl Steward {
    /// Looks for gaps, and asks for what is missing.
    pub(crate) async fn look_for_gaps(&self) -> Result<(), DbError> {
        let Some(inbox) = &self.inbox else { return Ok(()) };
        let now = self.db.clock().now();
        let mut missing: BTreeMap<Stream, Vec<Range>> = BTreeMap::new();
        for (source, aggregate, id) in waiting_for_long(inbox, now - gap_age(inbox)).await? {
            let key = Key::named(inbox.listeners.consumer, &source, &aggregate, &id);
            let (Some(last_seq), Ok(id)) = (last_sequence(inbox, &key).await?, id.parse::<Uuid>()) else { continue };
            // Whatever waits, is tried again or is dead at the next place: nothing is missing before it.
            if let Some(first) = first_open(inbox, &key, last_seq).await?
                && first > last_seq + 1
            {
                let range = Range { id, from: last_seq + 1, to: first - 1 };
                missing.entry((source, aggregate)).or_default().push(range);
            }
        }
        for ((source, aggregate), ranges) in missing {
            self.ask_for(&source, &aggregate, ranges).await;
        }
        Ok(())
    }

    /// Asks a publisher for events, but not for the same ones all the time.
    pub(super) async fn ask_for(&self, source: &str, aggregate: &str, ranges: Vec<Range>) {
        let ranges = self.asked.anew(source, aggregate, ranges, self.db.clock().now());
        for ranges in ranges.chunks(AT_ONCE) {
            tracing::warn!(
                consumer = self.domain,
                source,
                aggregate,
                aggregates = ranges.len(),
                "events are missing; they are asked for"
            );
            let replay =
                Replay { consumer: self.domain.to_owned(), aggregate: aggregate.to_owned(), ranges: ranges.to_vec() };
            if self.tell(source, Control::Replay(replay)).await != Published::Accepted {
                self.asked.forget(source, aggregate, ranges);
            }
        }
    }
}

fn gap_age(inbox: &Inbox) -> TimeDelta {
    TimeDelta::from_std(inbox.tuning.gap.1).unwrap_or_default()
}

/// Aggregates of which an event has waited since before then.
async fn waiting_for_long(inbox: &Inbox, then: DateTime<Utc>) -> Result<BTreeSet<(String, String, String)>, DbError> {
    let waiting = inbox::Entity::find()
        .select_only()
        .column(inbox::Column::Source)
        .column(inbox::Column::AggregateType)
        .column(inbox::Column::AggregateId)
        .filter(inbox::Column::Consumer.eq(inbox.listeners.consumer))
        .filter(Expr::cust(PARKED))
        .filter(inbox::Column::ReceivedAt.lte(then))
        .filter(Expr::cust(TOO_EARLY))
        .order_by_asc(inbox::Column::ReceivedAt)
        .limit(ROWS);
    Ok(inbox.db.reader().rows(waiting).await?.into_iter().collect())
}

/// Up to where the consumer has worked an aggregate's stream.
async fn last_sequence(inbox: &Inbox, key: &Key) -> Result<Option<i64>, DbError> {
    let head = inbox_head::Entity::find()
        .filter(inbox_head::Column::Consumer.eq(key.consumer))
        .filter(inbox_head::Column::Source.eq(&key.source))
        .filter(inbox_head::Column::AggregateType.eq(&key.aggregate_type))
        .filter(inbox_head::Column::AggregateId.eq(&key.aggregate_id));
    Ok(inbox.db.reader().one(head).await?.map(|head| head.last_seq))
}

/// The first event behind `last_seq` that the inbox holds and has not handled.
async fn first_open(inbox: &Inbox, key: &Key, last_seq: i64) -> Result<Option<i64>, DbError> {
    Ok(inbox.db.reader().one(open_behind(key, last_seq)).await?.map(|row| row.aggregate_seq))
}

/// Finds what the inbox holds and has not handled, in order.
pub(super) fn open_behind(key: &Key, last_seq: i64) -> sea_orm::Select<inbox::Entity> {
    inbox::Entity::find()
        .filter(inbox::Column::Consumer.eq(key.consumer))
        .filter(inbox::Column::Source.eq(&key.source))
        .filter(inbox::Column::AggregateType.eq(&key.aggregate_type))
        .filter(inbox::Column::AggregateId.eq(&key.aggregate_id))
        .filter(inbox::Column::AggregateSeq.gt(last_seq))
        .filter(inbox::Column::Status.is_in([inbox::WAITING, inbox::DEAD]))
        .order_by_asc(inbox::Column::AggregateSeq)
}
