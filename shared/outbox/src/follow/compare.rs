//! How far the streams are, and how far this consumer is. Rule: behind is only who has nothing more to take from the bus:
//! what still waits there is not lost, and asking for it would make the queue longer.

use super::gaps::open_behind;
use crate::entity::inbox_head::{Column, Entity};
use crate::inbox::{Inbox, Key};
use crate::steward::Steward;
use contracts::{Head, Heads, Range};
use db::DbError;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use std::collections::HashMap;

/// Held events of one aggregate that are looked at; the rest is behind them, and its turn comes.
const HELD: u64 = 1_000;

impl Steward {
    /// Compares, and asks for what is missing.
    pub(crate) async fn compare(&self, heads: &Heads) -> Result<(), DbError> {
        let (Some(inbox), Some(bus)) = (&self.inbox, self.bus.upgrade()) else { return Ok(()) };
        let Heads { source, aggregate, heads, last } = heads;
        if !heads.is_empty() && !bus.is_drained(self.domain).await {
            self.joins.doubt(source, aggregate);
            return Ok(());
        }
        let ranges = behind(inbox, source, aggregate, heads).await?;
        self.ask_for(source, aggregate, ranges).await;
        if *last {
            self.joins.sure(source, aggregate);
        }
        Ok(())
    }
}

/// What is missing.
async fn behind(inbox: &Inbox, source: &str, aggregate: &str, heads: &[Head]) -> Result<Vec<Range>, DbError> {
    let known = known(inbox, source, aggregate, heads).await?;
    let mut missing = Vec::new();
    for head in heads {
        let id = head.id.to_string();
        let last_seq = match known.get(&id) {
            Some(last_seq) => *last_seq,
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
    Ok(missing)
}

/// The events of an aggregate behind `last_seq` that the inbox holds, in order.
async fn held(inbox: &Inbox, key: &Key, last_seq: i64) -> Result<Vec<i64>, DbError> {
    let rows = inbox.db.reader().all(open_behind(key, last_seq).limit(HELD)).await?;
    Ok(rows.into_iter().map(|row| row.aggregate_seq).collect())
}

/// Up to where the consumer has worked those of the streams that it knows.
async fn known(inbox: &Inbox, source: &str, aggregate: &str, heads: &[Head]) -> Result<HashMap<String, i64>, DbError> {
    if heads.is_empty() {
        return Ok(HashMap::new());
    }
    let select = Entity::find()
        .select_only()
        .column(Column::AggregateId)
        .column(Column::LastSeq)
        .filter(Column::Consumer.eq(inbox.listeners.consumer))
        .filter(Column::Source.eq(source))
        .filter(Column::AggregateType.eq(aggregate))
        .filter(Column::AggregateId.is_in(heads.iter().map(|head| head.id.to_string())));
    Ok(inbox.db.reader().rows::<(String, i64)>(select).await?.into_iter().collect())
}
