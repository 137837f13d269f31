//! What can be asked of the lists. Rule: a name means the same in all of them.

use chrono::{DateTime, Utc};
use outbox::ops::{Criteria, EventStatus};
use serde::Deserialize;
use uuid::Uuid;
use web::{AnyOf, Problem, ProblemCode};

/// The lists, by the names that their cursors are bound to: one list has an address in each domain and one for all.
pub(super) const EVENTS: &str = "ops/events";
pub(super) const DEAD_LETTERS: &str = "ops/dead-letters";
pub(super) const OUTBOX: &str = "ops/outbox";

/// Of events.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventFilters {
    #[serde(rename = "type")]
    event_type: Option<AnyOf<String>>,
    subject: Option<String>,
    correlation_id: Option<String>,
    causation_id: Option<AnyOf<Uuid>>,
    status: Option<AnyOf<EventStatus>>,
    since: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
}

/// Of dead letters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeadFilters {
    #[serde(rename = "type")]
    event_type: Option<AnyOf<String>>,
    subject: Option<String>,
}

/// Of what is not published.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OutboxFilters {
    status: Option<AnyOf<EventStatus>>,
}

impl EventFilters {
    pub(super) fn criteria(self) -> Result<Criteria, Problem> {
        Ok(Criteria {
            types: all(self.event_type),
            subject: self.subject.as_deref().map(subject).transpose()?,
            correlation_id: self.correlation_id,
            causes: all(self.causation_id),
            statuses: all(self.status),
            since: self.since,
            until: self.until,
        })
    }
}

impl DeadFilters {
    pub(super) fn criteria(self) -> Result<Criteria, Problem> {
        let subject = self.subject.as_deref().map(subject).transpose()?;
        Ok(Criteria { types: all(self.event_type), subject, ..Criteria::default() })
    }
}

impl OutboxFilters {
    pub(super) fn statuses(self) -> Result<Vec<EventStatus>, Problem> {
        let statuses = all(self.status);
        let waits = |status: &EventStatus| matches!(status, EventStatus::Pending | EventStatus::Failing);
        if statuses.iter().all(waits) { Ok(statuses) } else { Err(invalid("status", "must be pending or failing")) }
    }
}

fn all<T>(any: Option<AnyOf<T>>) -> Vec<T> {
    any.map_or_else(Vec::new, |any| any.0)
}

/// `task/<id>`.
fn subject(text: &str) -> Result<(String, String), Problem> {
    let parts = text.split_once('/').filter(|(aggregate, id)| !aggregate.is_empty() && !id.is_empty());
    let (aggregate, id) =
        parts.ok_or_else(|| invalid("subject", "must be a kind of aggregate and an id: task/<id>"))?;
    Ok((aggregate.to_owned(), id.to_ascii_lowercase()))
}

fn invalid(name: &str, why: &str) -> Problem {
    Problem::new(ProblemCode::InvalidParameter).detail(format!("`{name}` {why}")).with("parameter", name)
}
