//! Sending again what a consumer misses. Rule: what was routed to it is published again as it is, which the others drop
//! as duplicates; for what was not, or is kept no more, it gets the aggregate as it is now, up to just before the first
//! event that it is still to have.

use super::consumers::ALWAYS;
use crate::due::AT_ONCE;
use crate::entity::outbox::{Column, Entity};
use crate::snapshots::Living;
use crate::steward::Steward;
use chrono::{DateTime, Utc};
use contracts::{Control, Gone, Range, Replay, Snapshot, Snapshots};
use db::{Context, DbError, Tx};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

/// Ranges that are looked at for one question; who misses more asks again.
const AT_MOST: usize = 1_000;

/// Rows to be published again.
struct Again {
    aggregate: String,
    ranges: Vec<Range>,
}

/// What to do about one range.
#[derive(Default)]
struct Found {
    again: Option<Range>,
    instead: Option<Snapshot>,
    gone: Option<Gone>,
}

impl Steward {
    /// Answers a consumer that misses events.
    pub(crate) async fn send_again(&self, replay: &Replay) -> Result<(), DbError> {
        if self.db.gate().is_closed() {
            return Ok(());
        }
        let since = self.hears_since(&replay.consumer).await?;
        let (mut again, mut living) = (Vec::new(), Vec::new());
        let time = self.db.clock().now();
        for range in replay.ranges.iter().take(AT_MOST) {
            let found = self.look(&replay.aggregate, *range, since).await?;
            again.extend(found.again);
            living.extend(found.instead);
            if let Some(gone) = found.gone {
                self.tell(&replay.consumer, Control::Gone(gone)).await;
            }
        }
        if let Some(publisher) = self.snapshots.find(&replay.aggregate)
            && !living.is_empty()
        {
            let (source, aggregate) = (self.domain.to_owned(), replay.aggregate.clone());
            let event_type = publisher.event_type.clone();
            let snapshots = Snapshots { source, aggregate, event_type, time, living, page: None };
            self.tell(&replay.consumer, Control::Snapshots(snapshots)).await;
        }
        if again.is_empty() {
            return Ok(());
        }
        tracing::warn!(
            domain = self.domain,
            consumer = replay.consumer,
            aggregates = again.len(),
            "a consumer misses events; they are published again"
        );
        let again = Again { aggregate: replay.aggregate.clone(), ranges: again };
        self.db.write(&Context::default(), &again, publish_again).await
    }

    async fn look(&self, aggregate: &str, range: Range, since: DateTime<Utc>) -> Result<Found, DbError> {
        if self.first_routed(aggregate, range, since).await? == Some(range.from) {
            return Ok(Found { again: Some(range), ..Found::default() });
        }
        let Some(publisher) = self.snapshots.find(aggregate) else {
            tracing::error!(domain = self.domain, aggregate, id = %range.id, "events are kept no more, and there are no snapshots of such aggregates");
            return Ok(Found::default());
        };
        // The aggregate before its events: what is emitted in between is behind both.
        let state = publisher.read(&self.db, Living::One(range.id)).await?.pop();
        let first = self.first_routed(aggregate, range, since).await?;
        let first = match state {
            Some(_) => first,
            // Its last event says that it went: who misses that gets to hear it.
            None => first.into_iter().chain(self.last_kept(aggregate, range).await?).min(),
        };
        let before_first = first.map(|first| first - 1);
        let again = first.filter(|first| *first <= range.to).map(|from| Range { from, ..range });
        let (mut instead, mut gone) = (None, None);
        match state {
            Some(state) => {
                let seq = before_first.unwrap_or(state.seq).min(state.seq);
                instead = (seq >= range.from).then_some(Snapshot { seq, ..state });
            }
            None => {
                let (source, aggregate) = (self.domain.to_owned(), aggregate.to_owned());
                let to = before_first.unwrap_or(range.to).min(range.to);
                gone = (to >= range.from).then(|| Gone {
                    source,
                    aggregate,
                    id: range.id,
                    to,
                    epoch: self.db.gate().epoch(),
                });
            }
        }
        Ok(Found { again, instead, gone })
    }

    /// The last event of an aggregate, from there on.
    async fn last_kept(&self, aggregate: &str, range: Range) -> Result<Option<i64>, DbError> {
        let last = of(aggregate, range)
            .filter(Column::AggregateSeq.gte(range.from))
            .order_by_desc(Column::AggregateSeq)
            .limit(1);
        Ok(self.db.reader().one(last).await?.map(|row| row.aggregate_seq))
    }

    /// The first event from there on that was, or will be, routed to the consumer.
    async fn first_routed(&self, aggregate: &str, range: Range, since: DateTime<Utc>) -> Result<Option<i64>, DbError> {
        let first = of(aggregate, range)
            .filter(Column::AggregateSeq.gte(range.from))
            .filter(routed(since))
            .order_by_asc(Column::AggregateSeq)
            .limit(1);
        Ok(self.db.reader().one(first).await?.map(|row| row.aggregate_seq))
    }
}

/// Rows that were, or will be, routed to a consumer who hears since then.
pub(super) fn routed(since: DateTime<Utc>) -> Condition {
    if since == ALWAYS {
        return Condition::all();
    }
    Condition::any().add(Column::PublishedAt.is_null()).add(Column::PublishedAt.gte(since))
}

fn of(aggregate: &str, range: Range) -> sea_orm::Select<Entity> {
    let id = range.id.to_string();
    Entity::find().filter(Column::AggregateType.eq(aggregate)).filter(Column::AggregateId.eq(id))
}

async fn publish_again(tx: &mut Tx, again: &Again) -> Result<(), DbError> {
    let mut rows = 0;
    for range in &again.ranges {
        // A row that had to be offered more than once must not hold up what is behind it now.
        let unpublished = Entity::update_many()
            .col_expr(Column::PublishedAt, Expr::value(Option::<DateTime<Utc>>::None))
            .col_expr(Column::NextAttemptAt, Expr::value(AT_ONCE))
            .col_expr(Column::Attempts, Expr::value(0))
            .col_expr(Column::LastError, Expr::value(Option::<String>::None))
            .filter(Column::AggregateType.eq(&again.aggregate))
            .filter(Column::AggregateId.eq(range.id.to_string()))
            .filter(Column::AggregateSeq.between(range.from, range.to))
            .filter(Column::PublishedAt.is_not_null());
        rows += tx.run(unpublished).await?;
    }
    if rows > 0 {
        // The relay, wherever it runs, is woken as by any event.
        tx.mark_emitted();
    }
    Ok(())
}
