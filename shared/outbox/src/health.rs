//! How the messaging of one domain is. Rule: counts and ids, never payloads or error texts: health is public.

use crate::alive::TaskHealth;
use crate::entity::{inbox, outbox};
use crate::ops::lost_since;
use chrono::{DateTime, TimeDelta, Utc};
use db::{Db, DbError};
use schemars::JsonSchema;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::Serialize;
use uuid::Uuid;

/// A listener has failed on it. Written out: two bound zeros would be two expressions to PostgreSQL.
const TRIED: &str = "attempts > 0";
/// Blocked events that are named one by one.
const NAMED: u64 = 5;

/// What waits, fails or is dead in one domain's outbox and inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MessagingHealth {
    /// Outbox rows that not every subscriber has taken.
    pub pending: i64,
    /// Age of the oldest of them, in seconds.
    pub oldest_pending_seconds: Option<i64>,
    /// Why nothing that emits an event is accepted; none while it is.
    pub refusing: Option<String>,
    /// How often, in the last day, this consumer had to go on without events that cannot be had any more. The audit
    /// names them.
    pub lost: i64,
    /// Inbox rows that wait for an event before them.
    pub parked: i64,
    /// Inbox rows whose listener failed and is tried again.
    pub failing: i64,
    /// Inbox rows that were given up.
    pub dead: i64,
    /// The newest of those that fail or are dead.
    pub blocked: Vec<Blocked>,
    /// The task that moves outbox rows to the bus.
    pub relay: TaskHealth,
    /// The task that tries waiting inbox rows; none where the domain hears nothing.
    pub inbox: Option<TaskHealth>,
}

/// An event that holds up its aggregate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Blocked {
    /// The event.
    pub event_id: Uuid,
    /// `task.completed.v1`.
    pub event_type: String,
    /// `task/<id>`.
    pub subject: String,
    /// `failing` or `dead`.
    pub state: &'static str,
    /// Attempts so far.
    pub attempts: i32,
    /// When it is tried next; none for a dead one.
    pub next_attempt_at: Option<DateTime<Utc>>,
}

/// Reads it.
pub(crate) async fn read(
    db: &Db,
    relay: TaskHealth,
    inbox_task: Option<TaskHealth>,
) -> Result<MessagingHealth, DbError> {
    let reader = db.reader();
    let pending = outbox::Entity::find()
        .select_only()
        .column_as(outbox::Column::Id.count(), "pending")
        .column_as(outbox::Column::OccurredAt.min(), "oldest")
        .filter(outbox::Column::PublishedAt.is_null());
    let (pending, oldest) =
        reader.rows::<(i64, Option<DateTime<Utc>>)>(pending).await?.into_iter().next().unwrap_or_default();
    let states = inbox::Entity::find()
        .select_only()
        .column(inbox::Column::Status)
        .column_as(Expr::cust(TRIED), "tried")
        .column_as(inbox::Column::EventId.count(), "rows")
        .filter(inbox::is_open())
        .group_by(inbox::Column::Status)
        .group_by(Expr::cust(TRIED));
    let states = reader.rows::<(i16, bool, i64)>(states).await?;
    let count = |wanted: fn(i16, bool) -> bool| {
        states.iter().filter(|(status, tried, _)| wanted(*status, *tried)).map(|(_, _, rows)| rows).sum()
    };
    Ok(MessagingHealth {
        pending,
        refusing: db.gate().trouble(),
        lost: lost_since(db, db.clock().now() - TimeDelta::days(1)).await?,
        oldest_pending_seconds: oldest.map(|since| (db.clock().now() - since).num_seconds()),
        parked: count(|status, tried| status == inbox::WAITING && !tried),
        failing: count(|status, tried| status == inbox::WAITING && tried),
        dead: count(|status, _| status == inbox::DEAD),
        blocked: blocked(db).await?,
        relay,
        inbox: inbox_task,
    })
}

async fn blocked(db: &Db) -> Result<Vec<Blocked>, DbError> {
    let select = inbox::Entity::find()
        .filter(inbox::is_open())
        .filter(inbox::Column::Attempts.gt(0))
        .order_by_desc(inbox::Column::ReceivedAt)
        .limit(NAMED);
    let name = |row: inbox::Model| {
        let dead = row.status == inbox::DEAD;
        Blocked {
            event_id: row.event_id,
            event_type: row.event_type,
            subject: format!("{}/{}", row.aggregate_type, row.aggregate_id),
            state: if dead { "dead" } else { "failing" },
            attempts: row.attempts,
            next_attempt_at: (!dead).then_some(row.next_attempt_at),
        }
    };
    Ok(db.reader().all(select).await?.into_iter().map(name).collect())
}
