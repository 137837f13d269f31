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
const NAMED: usize = 5;

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
    let (parked, failing) = counted(db, inbox::WAITING).await?;
    let (given_up, tried_in_vain) = counted(db, inbox::DEAD).await?;
    Ok(MessagingHealth {
        pending,
        refusing: db.gate().trouble(),
        lost: lost_since(db, db.clock().now() - TimeDelta::days(1)).await?,
        oldest_pending_seconds: oldest.map(|since| (db.clock().now() - since).num_seconds()),
        parked,
        failing,
        dead: given_up + tried_in_vain,
        blocked: blocked(db).await?,
        relay,
        inbox: inbox_task,
    })
}

/// Rows of that status, never tried and tried. One status at a time: each has an index, and both together have none.
async fn counted(db: &Db, status: i16) -> Result<(i64, i64), DbError> {
    let rows = inbox::Entity::find()
        .select_only()
        .column_as(Expr::cust(TRIED), "tried")
        .column_as(inbox::Column::EventId.count(), "rows")
        .filter(inbox::is(status))
        .group_by(Expr::cust(TRIED));
    let rows = db.reader().rows::<(bool, i64)>(rows).await?;
    let count = |wanted| rows.iter().filter(|(tried, _)| *tried == wanted).map(|(_, rows)| rows).sum();
    Ok((count(false), count(true)))
}

async fn blocked(db: &Db) -> Result<Vec<Blocked>, DbError> {
    let mut rows = Vec::new();
    for status in [inbox::WAITING, inbox::DEAD] {
        let newest = inbox::Entity::find()
            .filter(inbox::is(status))
            .filter(inbox::Column::Attempts.gt(0))
            .order_by_desc(inbox::Column::ReceivedAt)
            .limit(u64::try_from(NAMED).unwrap_or_default());
        rows.extend(db.reader().all(newest).await?);
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.received_at));
    rows.truncate(NAMED);
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
    Ok(rows.into_iter().map(name).collect())
}
