//! What a domain emitted. Rule: the outbox is the publisher's own word; nothing here knows a consumer.

use super::filter::{Columns, Criteria, EventStatus, Window};
use super::record::EventRecord;
use crate::entity::outbox::{Column, Entity};
use chrono::{DateTime, Utc};
use contracts::EventId;
use db::{Db, DbError};
use schemars::JsonSchema;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::Serialize;

const COLUMNS: Columns<Column> = Columns {
    event_id: Column::EventId,
    event_type: Column::EventType,
    aggregate_type: Column::AggregateType,
    aggregate_id: Column::AggregateId,
    headers: Column::Headers,
};
/// Written out: two bound zeros would be two expressions to PostgreSQL.
const FAILING: &str = "attempts > 0";

/// What waits in an outbox.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Backlog {
    /// Events that not every subscriber has taken, the failing ones included.
    pub pending: i64,
    /// Those that the bus has refused at least once.
    pub failing: i64,
    /// When the oldest of them happened.
    pub oldest_pending_at: Option<DateTime<Utc>>,
}

/// Newest first.
pub(super) async fn find(db: &Db, criteria: &Criteria, window: Window) -> Result<Vec<EventRecord>, DbError> {
    let Some(status) = status(&criteria.statuses) else { return Ok(Vec::new()) };
    let mut select = Entity::find().filter(criteria.condition(&COLUMNS)).filter(status);
    if let Some(behind) = window.behind {
        select = select.filter(Column::EventId.lt(behind));
    }
    let rows = db.reader().all(select.order_by_desc(Column::EventId).limit(window.limit)).await?;
    Ok(rows.iter().map(EventRecord::from).collect())
}

pub(super) async fn one(db: &Db, id: EventId) -> Result<Option<EventRecord>, DbError> {
    let row = db.reader().one(Entity::find().filter(Column::EventId.eq(id.uuid()))).await?;
    Ok(row.map(|row| EventRecord::from(&row).showing(Some(&row.payload))))
}

/// The events that not every subscriber has taken, oldest first.
///
/// # Errors
/// See [`DbError`].
pub async fn unpublished(db: &Db, statuses: &[EventStatus], window: Window) -> Result<Vec<EventRecord>, DbError> {
    let Some(status) = status(statuses) else { return Ok(Vec::new()) };
    let mut select = Entity::find().filter(Column::PublishedAt.is_null()).filter(status);
    if let Some(behind) = window.behind {
        select = select.filter(Column::EventId.gt(behind));
    }
    let rows = db.reader().all(select.order_by_asc(Column::EventId).limit(window.limit)).await?;
    Ok(rows.iter().map(EventRecord::from).collect())
}

/// How much waits.
///
/// # Errors
/// See [`DbError`].
pub async fn backlog(db: &Db) -> Result<Backlog, DbError> {
    let select = Entity::find()
        .select_only()
        .column_as(Expr::cust(FAILING), "failing")
        .column_as(Column::Id.count(), "waiting")
        .column_as(Column::OccurredAt.min(), "oldest")
        .filter(Column::PublishedAt.is_null())
        .group_by(Expr::cust(FAILING));
    let mut backlog = Backlog::default();
    for (failing, rows, oldest) in db.reader().rows::<(bool, i64, Option<DateTime<Utc>>)>(select).await? {
        backlog.pending += rows;
        backlog.failing += if failing { rows } else { 0 };
        let known = backlog.oldest_pending_at;
        backlog.oldest_pending_at = known.into_iter().chain(oldest).min();
    }
    Ok(backlog)
}

/// None where nothing can have one of these.
fn status(asked: &[EventStatus]) -> Option<Condition> {
    if asked.is_empty() {
        return Some(Condition::all());
    }
    let waits = || Condition::all().add(Column::PublishedAt.is_null());
    let conditions: Vec<Condition> = asked
        .iter()
        .filter_map(|status| match status {
            EventStatus::Pending => Some(waits().add(Column::Attempts.eq(0))),
            EventStatus::Failing => Some(waits().add(Column::Attempts.gt(0))),
            EventStatus::Published => Some(Condition::all().add(Column::PublishedAt.is_not_null())),
            EventStatus::Parked | EventStatus::Done | EventStatus::Dead | EventStatus::Skipped => None,
        })
        .collect();
    (!conditions.is_empty()).then(|| conditions.into_iter().fold(Condition::any(), Condition::add))
}
