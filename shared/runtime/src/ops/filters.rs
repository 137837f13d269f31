//! What can be asked of the lists. Rule: a name means the same in all of them.

use contracts::EventId;
use outbox::ops::{Criteria, EventStatus};
use schemars::{JsonSchema, json_schema};
use serde::Deserialize;
use web::{AnyOf, Instant, Phrase, Problem, ProblemCode, Word};

/// The lists, by the names that their cursors are bound to: one list has an address in each domain and one for all.
pub(super) const EVENTS: &str = "ops/events";
pub(super) const DEAD_LETTERS: &str = "ops/dead-letters";
pub(super) const OUTBOX: &str = "ops/outbox";

/// Of events.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EventFilters {
    /// Of one of these types: `task.completed.v1`, or `task.completed` for every version.
    #[serde(rename = "type")]
    event_type: Option<AnyOf<Word>>,
    /// About that aggregate: `task/<id>`.
    #[schemars(with = "Option<Subject>")]
    subject: Option<String>,
    /// What that request caused.
    correlation_id: Option<Phrase>,
    /// What one of these events caused.
    causation_id: Option<AnyOf<EventId>>,
    /// In one of these states, of the publisher (pending, failing, published) or of a consumer (parked, failing, done,
    /// dead, skipped); only the sides that match are shown.
    status: Option<AnyOf<EventStatus>>,
    /// Not older.
    since: Option<Instant>,
    /// Older.
    until: Option<Instant>,
}

/// Of dead letters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeadFilters {
    /// Of one of these types: `task.completed.v1`, or `task.completed` for every version.
    #[serde(rename = "type")]
    event_type: Option<AnyOf<Word>>,
    /// About that aggregate: `task/<id>`.
    #[schemars(with = "Option<Subject>")]
    subject: Option<String>,
}

/// Of what is not published.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OutboxFilters {
    /// Whether the bus refused them.
    #[schemars(with = "Option<AnyOf<Waiting>>")]
    status: Option<AnyOf<EventStatus>>,
}

/// Kind and id of an aggregate.
struct Subject;

/// How an event is that is not published.
struct Waiting;

web::schemas! {
    Subject => json_schema!({ "type": "string", "pattern": r"^[^/\u0000\uFFFD]+/[^\u0000\uFFFD]+$" });
    Waiting => json_schema!({ "type": "string", "enum": ["pending", "failing"] });
}

impl EventFilters {
    pub(super) fn criteria(self) -> Result<Criteria, Problem> {
        Ok(Criteria {
            types: words(self.event_type),
            subject: self.subject.as_deref().map(subject).transpose()?,
            correlation_id: self.correlation_id.map(|Phrase(id)| id),
            causes: all(self.causation_id).into_iter().map(EventId::uuid).collect(),
            statuses: all(self.status),
            since: self.since.map(|instant| instant.0),
            until: self.until.map(|instant| instant.0),
        })
    }
}

impl DeadFilters {
    pub(super) fn criteria(self) -> Result<Criteria, Problem> {
        let subject = self.subject.as_deref().map(subject).transpose()?;
        Ok(Criteria { types: words(self.event_type), subject, ..Criteria::default() })
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

fn words(any: Option<AnyOf<Word>>) -> Vec<String> {
    all(any).into_iter().map(|Word(word)| word).collect()
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
