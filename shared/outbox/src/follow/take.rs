//! Taking aggregates as they are. Rule: under the watermark's lock, and never beyond an event that the inbox holds: what
//! came as an event is handled as one, whatever its listener does beyond keeping the state.

use super::gaps::open_behind;
use super::join::find;
use crate::entity::inbox_head;
use crate::entity::inbox_source::{Column, Entity};
use crate::inbox::{Inbox, Key, apply, lock, switch};
use crate::listener::ListenError;
use crate::ops;
use crate::steward::Steward;
use chrono::{DateTime, Utc};
use contracts::{Envelope, Gone, NewEnvelope, Page, Snapshot, Snapshots};
use db::{Context, DbError, Tx};
use futures_util::stream::{self, StreamExt};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use serde_json::value::to_raw_value;
use uuid::Uuid;

/// Snapshots that are taken at once; they share the commits of the database.
const AT_ONCE: usize = 8;

/// A snapshot on its way in.
struct Taking {
    inbox: Inbox,
    envelope: Envelope,
}

/// What became of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    Wholly,
    /// Up to an event that the inbox holds: what is behind that one may still be missing.
    UpToHeld,
    Failed,
}

/// A range that cannot be had.
struct Passing {
    inbox: Inbox,
    gone: Gone,
}

/// A page that was worked through.
struct Worked {
    consumer: &'static str,
    source: String,
    aggregate: String,
    page: Page,
    failed: i64,
}

impl Steward {
    /// Takes living aggregates, and asks for more where there are more.
    pub(crate) async fn take(&self, snapshots: &Snapshots) -> Result<(), DbError> {
        let Some(inbox) = &self.inbox else { return Ok(()) };
        let Snapshots { source, aggregate, living, page, .. } = snapshots;
        let mut taking = Vec::with_capacity(living.len());
        for snapshot in living {
            taking.push(self.take_one(inbox, snapshots, snapshot));
        }
        let taken: Vec<Taken> = stream::iter(taking).buffer_unordered(AT_ONCE).collect().await;
        inbox.wake.notify_one();
        if taken.contains(&Taken::UpToHeld) {
            self.joins.doubt(source, aggregate);
        }
        let Some(page) = *page else { return Ok(()) };
        let failed = taken.iter().filter(|taken| **taken == Taken::Failed).count();
        let failed = i64::try_from(failed).unwrap_or(i64::MAX);
        let worked =
            Worked { consumer: self.domain, source: source.clone(), aggregate: aggregate.clone(), page, failed };
        let all = self.db.write(&Context::default(), &worked, note).await?;
        if page.next.is_some() {
            self.joins.progress(source, aggregate);
            return self.ask_for_more(source, aggregate).await;
        }
        self.joins.taken(source, aggregate, all);
        Ok(())
    }

    async fn take_one(&self, inbox: &Inbox, snapshots: &Snapshots, snapshot: &Snapshot) -> Taken {
        let taken: Result<Taken, ListenError> = async {
            let envelope = envelope(self.db.new_id(), snapshots, snapshot)?;
            self.db.write(&Context::default(), &Taking { inbox: inbox.clone(), envelope }, take_state).await
        }
        .await;
        taken.unwrap_or_else(|error| {
            tracing::error!(consumer = self.domain, id = %snapshot.id, %error, "an aggregate could not be taken as it is; it is asked for again");
            Taken::Failed
        })
    }

    /// Goes on without events that cannot be had any more.
    pub(crate) async fn pass(&self, gone: &Gone) -> Result<(), DbError> {
        let Some(inbox) = &self.inbox else { return Ok(()) };
        let passing = Passing { inbox: inbox.clone(), gone: gone.clone() };
        let passed: Result<Option<i64>, ListenError> = self.db.write(&Context::default(), &passing, pass_range).await;
        let passed = passed.map_err(|error| DbError::Unavailable(error.to_string()))?;
        if let Some(from) = passed {
            tracing::error!(consumer = self.domain, source = gone.source, subject = %format!("{}/{}", gone.aggregate, gone.id), from, to = gone.to, "events were lost and cannot be had any more, nor what they were about; it goes on without them");
            inbox.wake.notify_one();
        }
        Ok(())
    }
}

fn envelope(id: Uuid, snapshots: &Snapshots, snapshot: &Snapshot) -> Result<Envelope, ListenError> {
    let data = to_raw_value(&snapshot.data).map_err(|error| ListenError::Permanent(error.to_string()))?;
    Ok(Envelope::new(NewEnvelope {
        id: id.into(),
        domain: &snapshots.source,
        aggregate: &snapshots.aggregate,
        aggregate_id: snapshot.id,
        event_type: snapshots.event_type.clone(),
        time: snapshots.time,
        correlation_id: None,
        causation_id: None,
        traceparent: None,
        sequence: snapshot.seq,
        stream_epoch: snapshot.epoch,
        auth_id: None,
        data,
    }))
}

async fn take_state(tx: &mut Tx, taking: &Taking) -> Result<Taken, ListenError> {
    let Taking { inbox, envelope } = taking;
    let key = Key::of(inbox.listeners.consumer, envelope);
    let head = lock(tx, &key, envelope.stream_epoch).await?;
    if envelope.stream_epoch < head.stream_epoch {
        // Of before its publisher's database was put back; it came late.
        return Ok(Taken::Wholly);
    }
    let anew = envelope.stream_epoch > head.stream_epoch;
    if anew {
        switch(tx, &key, envelope.stream_epoch, 0).await?;
    }
    let last_seq = if anew { 0 } else { head.last_seq };
    let seq = up_to(tx, &key, last_seq, envelope.sequence).await?;
    if seq > last_seq {
        let mut state = envelope.clone();
        state.sequence = seq;
        apply(tx, &inbox.listeners, &state, inbox.tuning.listener_deadline).await?;
        set(tx, &key, last_seq, seq);
    }
    let is_held_up = seq < envelope.sequence && last_seq < envelope.sequence;
    Ok(if is_held_up { Taken::UpToHeld } else { Taken::Wholly })
}

/// Where the watermark was, when it moves.
async fn pass_range(tx: &mut Tx, passing: &Passing) -> Result<Option<i64>, ListenError> {
    let Passing { inbox, gone } = passing;
    let key = Key::named(inbox.listeners.consumer, &gone.source, &gone.aggregate, &gone.id.to_string());
    let head = lock(tx, &key, gone.epoch).await?;
    if head.stream_epoch != gone.epoch {
        return Ok(None);
    }
    let seq = up_to(tx, &key, head.last_seq, gone.to).await?;
    if seq <= head.last_seq {
        return Ok(None);
    }
    set(tx, &key, head.last_seq, seq);
    let (first, Gone { source, aggregate, id, .. }) = (head.last_seq + 1, gone);
    ops::note(tx, ops::LOST, format!("{}/{source}.{aggregate}/{id}/{first}-{seq}", key.consumer));
    Ok(Some(first))
}

/// How far the watermark may move towards `seq`: no event that the inbox holds is passed.
async fn up_to(tx: &mut Tx, key: &Key, last_seq: i64, seq: i64) -> Result<i64, DbError> {
    let open = tx.one(open_behind(key, last_seq)).await?;
    Ok(open.map_or(seq, |open| seq.min(open.aggregate_seq - 1)))
}

fn set(tx: &mut Tx, key: &Key, from: i64, to: i64) {
    let now: DateTime<Utc> = tx.now();
    tx.push(
        inbox_head::Entity::update_many()
            .col_expr(inbox_head::Column::LastSeq, Expr::value(to))
            .col_expr(inbox_head::Column::UpdatedAt, Expr::value(now))
            .filter(inbox_head::Column::Consumer.eq(key.consumer))
            .filter(inbox_head::Column::Source.eq(&key.source))
            .filter(inbox_head::Column::AggregateType.eq(&key.aggregate_type))
            .filter(inbox_head::Column::AggregateId.eq(&key.aggregate_id))
            .filter(inbox_head::Column::LastSeq.eq(from)),
    );
}

/// Notes how far a joining has come; at its end, whether all of it was taken.
async fn note(tx: &mut Tx, worked: &Worked) -> Result<bool, DbError> {
    let Worked { consumer, source, aggregate, page, failed } = worked;
    let Some(row) = tx.one(find(consumer, source, aggregate).lock_exclusive()).await? else { return Ok(false) };
    let failed = if row.joining == Some(page.since) { row.failed + failed } else { *failed };
    let (mut since, mut joining, mut kept) = (row.since, Some(page.since), failed);
    if page.next.is_none() {
        since = if failed == 0 { Some(page.since) } else { row.since };
        (joining, kept) = (None, 0);
    }
    if (since, joining, page.next, kept) == (row.since, row.joining, row.taken_up_to, row.failed) {
        return Ok(failed == 0);
    }
    let noted = Entity::update_many()
        .col_expr(Column::Since, Expr::value(since))
        .col_expr(Column::Joining, Expr::value(joining))
        .col_expr(Column::TakenUpTo, Expr::value(page.next))
        .col_expr(Column::Failed, Expr::value(kept))
        .filter(Column::Consumer.eq(*consumer))
        .filter(Column::Source.eq(source))
        .filter(Column::AggregateType.eq(aggregate));
    tx.run(noted).await?;
    Ok(failed == 0)
}
