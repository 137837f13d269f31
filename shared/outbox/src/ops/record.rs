//! An event as an operator sees it: its CloudEvents attributes, and how far it has come. Rule: a row that somebody
//! damaged is shown as far as it can be read, since whoever looks for it needs it most; a secret is never shown, sealed
//! or not.

use super::filter::EventStatus;
use crate::due::AT_ONCE;
use crate::entity::{inbox, outbox};
use crate::row::Headers;
use chrono::{DateTime, Utc};
use contracts::ERASED;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// Members of a payload that are never shown.
const SECRETS: [&str; 4] = ["token", "secret", "password", "sealed"];
/// What stands in their place.
const HIDDEN: &str = "[hidden]";

/// The attributes of the envelope, by their names on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "each is the attribute of that name in contracts::Envelope")]
pub struct Attributes {
    pub specversion: &'static str,
    pub id: Uuid,
    pub source: String,
    #[serde(rename = "type")]
    pub event_type: String,
    pub subject: String,
    pub time: DateTime<Utc>,
    pub datacontenttype: &'static str,
    pub dataschema: String,
    pub correlationid: Option<String>,
    pub causationid: Option<Uuid>,
    pub traceparent: Option<String>,
    pub partitionkey: String,
    pub sequence: String,
    pub streamepoch: i32,
    pub authid: Option<Uuid>,
}

/// How far an event has come as its publisher sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Publication {
    /// `pending`, `failing` or `published`.
    pub status: EventStatus,
    /// How often it was refused.
    pub attempts: i32,
    /// When it is offered again, for a failing one.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// What the newest refusal said.
    pub last_error: Option<String>,
    /// When the bus had taken it.
    pub published_at: Option<DateTime<Utc>>,
}

/// How far an event has come with one consumer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Reception {
    /// The consuming domain.
    pub consumer: String,
    /// `parked`, `failing`, `done`, `dead` or `skipped`.
    pub status: EventStatus,
    /// How often its listener failed since it was last retried.
    pub attempts: i32,
    /// When its listener runs again, for a failing one.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// How often an operator had it retried.
    pub replays: i32,
    /// What the newest attempt said.
    pub last_error: Option<String>,
    /// When the inbox took it.
    pub received_at: DateTime<Utc>,
    /// When its effect was committed.
    pub done_at: Option<DateTime<Utc>>,
}

/// An event, and how far it has come as one domain knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Event")]
pub struct EventRecord {
    /// The envelope without its payload.
    #[serde(flatten)]
    pub attributes: Attributes,
    /// Whether the payload was blanked because its subject was deleted.
    pub erased: bool,
    /// What of the row cannot be read, if anything.
    pub damaged: Option<String>,
    /// The payload, where a single event is asked for and it is kept: an inbox lets it go once the effect is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// As the publisher sees it; none where a consumer tells.
    pub publication: Option<Publication>,
    /// As consumers see it, those that were asked.
    pub consumers: Vec<Reception>,
}

impl EventRecord {
    /// The same with the payload.
    pub(super) fn showing(mut self, payload: Option<&[u8]>) -> Self {
        match payload.map(serde_json::from_slice::<Value>) {
            Some(Ok(data)) => self.data = Some(without_secrets(data)),
            Some(Err(error)) => self.damaged = Some(format!("payload: {error}")),
            None => {}
        }
        self
    }
}

impl From<&outbox::Model> for EventRecord {
    fn from(row: &outbox::Model) -> Self {
        let domain = row.routing_key.split('.').next().unwrap_or_default();
        let (headers, damaged) = headers(&row.headers);
        let place = Place { domain, aggregate: &row.aggregate_type, id: &row.aggregate_id, seq: row.aggregate_seq };
        let status = match row.published_at {
            Some(_) => EventStatus::Published,
            None if row.attempts > 0 => EventStatus::Failing,
            None => EventStatus::Pending,
        };
        let publication = Publication {
            status,
            attempts: row.attempts,
            next_attempt_at: waits_until(status, row.next_attempt_at),
            last_error: row.last_error.clone(),
            published_at: row.published_at,
        };
        Self {
            attributes: attributes(row.event_id, &row.event_type, &place, headers, row.occurred_at, row.stream_epoch),
            erased: row.payload == ERASED.as_bytes(),
            damaged,
            data: None,
            publication: Some(publication),
            consumers: Vec::new(),
        }
    }
}

impl From<&inbox::Model> for EventRecord {
    fn from(row: &inbox::Model) -> Self {
        let (headers, damaged) = headers(&row.headers);
        let place = Place {
            domain: &row.source,
            aggregate: &row.aggregate_type,
            id: &row.aggregate_id,
            seq: row.aggregate_seq,
        };
        let status = match row.status {
            inbox::DONE => EventStatus::Done,
            inbox::DEAD => EventStatus::Dead,
            inbox::SKIPPED => EventStatus::Skipped,
            _ if row.attempts > 0 => EventStatus::Failing,
            _ => EventStatus::Parked,
        };
        let reception = Reception {
            consumer: row.consumer.clone(),
            status,
            attempts: row.attempts,
            next_attempt_at: waits_until(status, row.next_attempt_at),
            replays: row.replays,
            last_error: row.last_error.clone(),
            received_at: row.received_at,
            done_at: row.done_at,
        };
        let (time, epoch) = (headers.time.unwrap_or(row.received_at), headers.streamepoch.unwrap_or(1));
        Self {
            attributes: attributes(row.event_id, &row.event_type, &place, headers, time, epoch),
            erased: row.payload.as_deref() == Some(ERASED.as_bytes()),
            damaged,
            data: None,
            publication: None,
            consumers: vec![reception],
        }
    }
}

struct Place<'a> {
    domain: &'a str,
    aggregate: &'a str,
    id: &'a str,
    seq: i64,
}

fn attributes(
    id: Uuid,
    event_type: &str,
    place: &Place<'_>,
    headers: Headers,
    time: DateTime<Utc>,
    streamepoch: i32,
) -> Attributes {
    Attributes {
        specversion: "1.0",
        id,
        source: format!("/services/{}", place.domain),
        event_type: event_type.to_owned(),
        subject: format!("{}/{}", place.aggregate, place.id),
        time,
        datacontenttype: "application/json",
        dataschema: format!("urn:cleave:schema:{event_type}"),
        correlationid: headers.correlationid,
        causationid: headers.causationid,
        traceparent: headers.traceparent,
        partitionkey: place.id.to_owned(),
        sequence: place.seq.to_string(),
        streamepoch,
        authid: headers.authid.map(|id| id.uuid()),
    }
}

fn headers(text: &str) -> (Headers, Option<String>) {
    match serde_json::from_str(text) {
        Ok(headers) => (headers, None),
        Err(error) => (Headers::default(), Some(format!("headers: {error}"))),
    }
}

/// What needs not wait says so with the beginning of time, which is nothing to show.
fn waits_until(status: EventStatus, next: DateTime<Utc>) -> Option<DateTime<Utc>> {
    (status == EventStatus::Failing && next > AT_ONCE).then_some(next)
}

fn without_secrets(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let hide = |(name, value): (String, Value)| {
                let shown = if SECRETS.contains(&name.as_str()) && !value.is_null() {
                    Value::from(HIDDEN)
                } else {
                    without_secrets(value)
                };
                (name, shown)
            };
            Value::Object(members.into_iter().map(hide).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_secrets).collect()),
        value => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_secret_is_not_shown_wherever_it_stands() {
        let data = json!({"user_id": "u", "token": "sealed", "more": [{"password": 7, "secret": null}]});
        let shown = json!({"user_id": "u", "token": HIDDEN, "more": [{"password": HIDDEN, "secret": null}]});
        assert_eq!(without_secrets(data), shown);
    }
}
