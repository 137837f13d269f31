//! What a domain took. Rule: a consumer tells of its own inbox alone.

use super::filter::{Columns, Criteria, EventStatus, Window};
use super::record::EventRecord;
use crate::entity::inbox::{Column, DEAD, DONE, Entity, SKIPPED, WAITING, is};
use chrono::DateTime;
use contracts::EventId;
use db::{Db, DbError};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

const COLUMNS: Columns<Column> = Columns {
    event_id: Column::EventId,
    event_type: Column::EventType,
    aggregate_type: Column::AggregateType,
    aggregate_id: Column::AggregateId,
    headers: Column::Headers,
};

/// Newest first.
pub(super) async fn find(
    db: &Db,
    consumer: &str,
    criteria: &Criteria,
    window: Window,
) -> Result<Vec<EventRecord>, DbError> {
    let Some(status) = status(&criteria.statuses) else { return Ok(Vec::new()) };
    newest(db, of(consumer).filter(criteria.condition(&COLUMNS)).filter(status), window).await
}

pub(super) async fn one(db: &Db, consumer: &str, id: EventId) -> Result<Option<EventRecord>, DbError> {
    let row = db.reader().one(of(consumer).filter(Column::EventId.eq(id.uuid()))).await?;
    Ok(row.map(|row| EventRecord::from(&row).showing(row.payload.as_deref())))
}

/// The events that a consumer has given up, newest first.
///
/// # Errors
/// See [`DbError`].
pub async fn dead_letters(
    db: &Db,
    consumer: &str,
    criteria: &Criteria,
    window: Window,
) -> Result<Vec<EventRecord>, DbError> {
    // The second condition is always true, and leads to the index that holds the dead alone.
    let dead = of(consumer).filter(is(DEAD)).filter(Column::ReceivedAt.gt(DateTime::UNIX_EPOCH));
    newest(db, dead.filter(criteria.condition(&COLUMNS)), window).await
}

async fn newest(db: &Db, select: Select<Entity>, window: Window) -> Result<Vec<EventRecord>, DbError> {
    let select = match window.behind {
        Some(behind) => select.filter(Column::EventId.lt(behind)),
        None => select,
    };
    let rows = db.reader().all(select.order_by_desc(Column::EventId).limit(window.limit)).await?;
    Ok(rows.iter().map(EventRecord::from).collect())
}

fn of(consumer: &str) -> Select<Entity> {
    Entity::find().filter(Column::Consumer.eq(consumer))
}

/// None where nothing can have one of these.
fn status(asked: &[EventStatus]) -> Option<Condition> {
    if asked.is_empty() {
        return Some(Condition::all());
    }
    let conditions: Vec<Condition> = asked
        .iter()
        .filter_map(|status| match status {
            EventStatus::Parked => Some(is(WAITING).add(Column::Attempts.eq(0))),
            EventStatus::Failing => Some(is(WAITING).add(Column::Attempts.gt(0))),
            EventStatus::Done => Some(is(DONE)),
            EventStatus::Dead => Some(is(DEAD)),
            EventStatus::Skipped => Some(is(SKIPPED)),
            EventStatus::Pending | EventStatus::Published => None,
        })
        .collect();
    (!conditions.is_empty()).then(|| conditions.into_iter().fold(Condition::any(), Condition::add))
}
