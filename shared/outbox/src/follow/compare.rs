//! How far the streams are, and how far this consumer is. Rule: behind is only who has nothing more to take from the bus:
//! what still waits there is not lost, and asking for it would make the queue longer.

use super::gaps::open_behind;
use crate::entity::inbox_head::Column;
use crate::inbox::{Inbox, Key, of_each};
use crate::steward::Steward;
use bus::EventBus;
use contracts::{Head, Heads, Range};
use db::DbError;
use sea_orm::QuerySelect;
use sea_orm::sea_query::Query;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::sleep;

/// Held events of one aggregate that are looked at; the rest is behind them, and its turn comes.
const HELD: u64 = 1_000;
/// How often a queue is looked at before it counts as not empty, and how far apart.
const LOOKS: u32 = 10;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

impl Steward {
    /// Compares, and asks for what is missing.
    pub(crate) async fn compare(&self, heads: &Heads) -> Result<(), DbError> {
        let (Some(inbox), Some(bus)) = (&self.inbox, self.bus.upgrade()) else { return Ok(()) };
        let Heads { source, aggregate, heads, last } = heads;
        if !heads.is_empty() && !self.is_drained(bus.as_ref()).await {
            self.joins.doubt(source, aggregate);
            return Ok(());
        }
        let Behind { missing, begun_anew } = behind(inbox, source, aggregate, heads).await?;
        if begun_anew {
            // It wants all aggregates as they are, not the events.
            self.joins.doubt_source(source);
            return Ok(());
        }
        if !missing.is_empty() {
            // The question may be lost as well: it is compared again until nothing is missing.
            self.joins.doubt(source, aggregate);
        }
        self.ask_for(source, aggregate, missing).await;
        if *last {
            self.joins.sure(source, aggregate);
        }
        Ok(())
    }

    /// Whether nothing waits for this consumer; under load a queue is empty now and then, so it is looked at again.
    async fn is_drained(&self, bus: &dyn EventBus) -> bool {
        for _ in 0..LOOKS {
            if bus.is_drained(self.domain).await {
                return true;
            }
            sleep(BETWEEN_LOOKS).await;
        }
        false
    }
}

/// How far a consumer is behind.
#[derive(Default)]
struct Behind {
    missing: Vec<Range>,
    /// The publisher's database was put back: what it counts is counted anew.
    begun_anew: bool,
}

/// What is missing.
async fn behind(inbox: &Inbox, source: &str, aggregate: &str, heads: &[Head]) -> Result<Behind, DbError> {
    let known = known(inbox, source, aggregate, heads).await?;
    let mut missing = Vec::new();
    let mut begun_anew = false;
    for head in heads {
        let id = head.id.to_string();
        let last_seq = match known.get(&id) {
            Some((_, epoch)) if *epoch != head.epoch => {
                begun_anew |= *epoch < head.epoch;
                continue;
            }
            Some((last_seq, _)) => *last_seq,
            None if head.routed => 0,
            // It came and went before this consumer listened.
            None => continue,
        };
        if head.seq <= last_seq {
            continue;
        }
        // What the inbox holds waits there, be it for long; what is missing may be behind it as well.
        let key = Key::named(inbox.listeners.consumer, source, aggregate, &id);
        let mut from = last_seq + 1;
        for held in held(inbox, &key, last_seq).await?.into_iter().chain([head.seq + 1]) {
            let to = head.seq.min(held - 1);
            missing.extend((from <= to).then_some(Range { id: head.id, from, to }));
            from = held + 1;
        }
    }
    Ok(Behind { missing, begun_anew })
}

/// The events of an aggregate behind `last_seq` that the inbox holds, in order.
async fn held(inbox: &Inbox, key: &Key, last_seq: i64) -> Result<Vec<i64>, DbError> {
    let rows = inbox.db.reader().all(open_behind(key, last_seq).limit(HELD)).await?;
    Ok(rows.into_iter().map(|row| row.aggregate_seq).collect())
}

/// Up to where the consumer has worked those of the streams that it knows, and in which epoch.
async fn known(
    inbox: &Inbox,
    source: &str,
    aggregate: &str,
    heads: &[Head],
) -> Result<HashMap<String, (i64, i32)>, DbError> {
    if heads.is_empty() {
        return Ok(HashMap::new());
    }
    let ids = heads.iter().map(|head| head.id.to_string()).collect();
    let wanted = [Column::LastSeq, Column::StreamEpoch].map(|column| Query::select().column(column).take());
    let select = of_each(inbox.listeners.consumer, source, aggregate, ids, wanted);
    let rows = inbox.db.reader().rows::<(String, Option<i64>, Option<i32>)>(select).await?;
    Ok(rows.into_iter().filter_map(|(id, seq, epoch)| Some((id, (seq?, epoch?)))).collect())
}
