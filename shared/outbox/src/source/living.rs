//! Letting a consumer in. Rule: it gets every living aggregate as it is now, at a sequence just before the first event
//! that goes to it; so it misses nothing, is told nothing twice, and no event that it is to have is taken for old.

use super::consumers::ALWAYS;
use super::replay::routed;
use crate::entity::outbox::{Column, Entity};
use crate::snapshots::Living;
use crate::steward::Steward;
use bus::Published;
use chrono::{DateTime, Utc};
use contracts::{Control, Join, Page, Snapshot, Snapshots};
use db::DbError;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use std::collections::HashMap;
use uuid::Uuid;

/// Aggregates of one page.
const PAGE: u64 = 100;

impl Steward {
    /// Answers a consumer that joins, or wants to know how far the streams are.
    pub(crate) async fn let_in(&self, join: &Join) -> Result<(), DbError> {
        if self.db.gate().is_closed() {
            // How aggregates are here may not be how they are.
            return Ok(());
        }
        let mut since = self.hears_since(&join.consumer).await?;
        let veteran = join.veteran && join.since.is_none();
        if join.since.is_none() {
            // Its queue may have been there before this domain knew of it.
            let earliest = if veteran { ALWAYS } else { join.began - self.overlap() };
            since = self.hears_earlier(&join.consumer, since, earliest).await?;
        }
        let page = if veteran || join.since == Some(since) { None } else { self.page(join, since).await? };
        let (event_type, living, next) = page.unwrap_or_default();
        let snapshots = Snapshots {
            source: self.domain.to_owned(),
            aggregate: join.aggregate.clone(),
            event_type,
            time: self.db.clock().now(),
            living,
            page: Some(Page { since, next }),
        };
        let told = self.tell(&join.consumer, Control::Snapshots(snapshots)).await;
        if next.is_none() && told == Published::Accepted {
            self.tell_all_heads(&join.consumer, &join.aggregate, since).await?;
        }
        Ok(())
    }

    /// The type of the snapshots, the next of them, and where to go on; none where nobody makes any.
    async fn page(
        &self,
        join: &Join,
        since: DateTime<Utc>,
    ) -> Result<Option<(String, Vec<Snapshot>, Option<Uuid>)>, DbError> {
        let Some(publisher) = self.snapshots.find(&join.aggregate) else { return Ok(None) };
        let after = join.under_way.filter(|(joining, _)| *joining == since).map(|(_, after)| after);
        // The aggregates before their events: what is emitted in between is behind both.
        let states = publisher.read(&self.db, Living::Page { after, limit: PAGE }).await?;
        let full = u64::try_from(states.len()).unwrap_or_default() >= PAGE;
        let next = states.last().map(|state| state.id).filter(|_| full);
        let first = self.first_to_come(&join.aggregate, &states, since).await?;
        let before_first = |state: Snapshot| {
            let before = first.get(&state.id).map_or(state.seq, |first| first - 1);
            Snapshot { seq: state.seq.min(before), ..state }
        };
        // One whose whole history is routed needs nothing else.
        let living = states.into_iter().map(before_first).filter(|state| state.seq > 0).collect();
        Ok(Some((publisher.event_type.clone(), living, next)))
    }

    /// The first event of each aggregate that was, or will be, routed to the consumer.
    async fn first_to_come(
        &self,
        aggregate: &str,
        states: &[Snapshot],
        since: DateTime<Utc>,
    ) -> Result<HashMap<Uuid, i64>, DbError> {
        if states.is_empty() {
            return Ok(HashMap::new());
        }
        let first = Entity::find()
            .select_only()
            .column(Column::AggregateId)
            .column_as(Column::AggregateSeq.min(), "first")
            .filter(Column::AggregateType.eq(aggregate))
            .filter(Column::AggregateId.is_in(states.iter().map(|state| state.id.to_string())))
            .filter(routed(since))
            .group_by(Column::AggregateId);
        let rows = self.db.reader().rows::<(String, i64)>(first).await?;
        Ok(rows.into_iter().filter_map(|(id, first)| Some((id.parse().ok()?, first))).collect())
    }
}
