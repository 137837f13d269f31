//! Which events. Rule: the same criteria for what a domain emitted and for what it took; instants are compared with the
//! one in an event's id, which both tables have an index for.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use sea_orm::sea_query::{Alias, Expr, Func};
use sea_orm::{ColumnTrait, Condition, ExprTrait};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How far an event has come: the first three as its publisher sees it, the others in the inbox of a consumer; `failing`
/// is said on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventStatus {
    /// Not offered to the bus yet, or not taken by it.
    Pending,
    /// Refused at least once, by the bus or by a listener, and tried again.
    Failing,
    /// Every subscriber's inbox, or the broker, has it.
    Published,
    /// Taken, and waits for its turn.
    Parked,
    /// Its effect is committed.
    Done,
    /// Given up; holds up its aggregate until it is retried or skipped.
    Dead,
    /// Passed by an operator.
    Skipped,
}

impl EventStatus {
    /// As it is written in answers and parameters.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Failing => "failing",
            Self::Published => "published",
            Self::Parked => "parked",
            Self::Done => "done",
            Self::Dead => "dead",
            Self::Skipped => "skipped",
        }
    }
}

/// What is looked for; without any, everything.
#[derive(Debug, Clone, Default)]
pub struct Criteria {
    /// `task.completed.v1`, or `task.completed` for every version; one of these.
    pub types: Vec<String>,
    /// Kind and id of the aggregate.
    pub subject: Option<(String, String)>,
    /// What one request caused.
    pub correlation_id: Option<String>,
    /// What one of these events caused.
    pub causes: Vec<Uuid>,
    /// One of these.
    pub statuses: Vec<EventStatus>,
    /// Not older, to the millisecond.
    pub since: Option<DateTime<Utc>>,
    /// Older, to the millisecond.
    pub until: Option<DateTime<Utc>>,
}

/// Where in a list.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// Behind this one, in the order of the list.
    pub behind: Option<Uuid>,
    /// The most rows.
    pub limit: u64,
}

impl Criteria {
    /// The condition on the columns that both tables have.
    pub(super) fn condition<C: ColumnTrait>(&self, columns: &Columns<C>) -> Condition {
        let mut all = Condition::all();
        if !self.types.is_empty() {
            let of = |any: Condition, name: &String| any.add(of_type(columns.event_type, name));
            all = all.add(self.types.iter().fold(Condition::any(), of));
        }
        if let Some((aggregate, id)) = &self.subject {
            all = all.add(columns.aggregate_type.eq(aggregate)).add(columns.aggregate_id.eq(id));
        }
        if let Some(id) = &self.correlation_id {
            all = all.add(header(columns.headers, "correlationid", id));
        }
        if !self.causes.is_empty() {
            let by = |any: Condition, id: &Uuid| any.add(header(columns.headers, "causationid", &id.to_string()));
            all = all.add(self.causes.iter().fold(Condition::any(), by));
        }
        if let Some(since) = self.since {
            all = all.add(columns.event_id.gte(first_id_of(since)));
        }
        if let Some(until) = self.until {
            all = all.add(columns.event_id.lt(first_id_of(until)));
        }
        all
    }
}

/// The columns that both tables have.
pub(super) struct Columns<C> {
    pub event_id: C,
    pub event_type: C,
    pub aggregate_type: C,
    pub aggregate_id: C,
    pub headers: C,
}

fn of_type(column: impl ColumnTrait, name: &str) -> Condition {
    let versioned = name.rsplit_once(".v").is_some_and(|(_, version)| version.bytes().all(|b| b.is_ascii_digit()));
    Condition::all().add(if versioned { column.eq(name) } else { column.starts_with(format!("{name}.v")) })
}

/// The attribute is in the text as it was written: compact, so that looking for it decodes nothing and a damaged row
/// harms nobody. Both databases know `replace`, and both tell capitals from small letters in it.
fn header(column: impl ColumnTrait, name: &str, value: &str) -> sea_orm::sea_query::SimpleExpr {
    let needle = format!("\"{name}\":{}", serde_json::Value::from(value));
    let column = || Expr::col(column.as_column_ref());
    let without = Func::cust(Alias::new("replace")).arg(column()).arg(needle).arg("");
    Expr::expr(without).ne(column())
}

/// The least id that can be made in that millisecond.
fn first_id_of(instant: DateTime<Utc>) -> Uuid {
    Uuid::from_u128(u128::try_from(instant.timestamp_millis()).unwrap_or_default() << 80)
}
