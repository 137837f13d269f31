//! Between envelopes and rows. Rule: `payload` is the bytes of `data`, `headers` the attributes that have no column.

use crate::entity::{inbox, outbox};
use chrono::{DateTime, Utc};
use contracts::{Envelope, NewEnvelope, UserId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

/// The attributes of an envelope that have no column.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Headers {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlationid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub causationid: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authid: Option<UserId>,
    /// Only in an inbox: the outbox has a column for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<DateTime<Utc>>,
    /// Only in an inbox: the outbox has a column for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub streamepoch: Option<i32>,
}

impl Headers {
    /// As it is stored.
    pub(crate) fn to_text(&self) -> String {
        #[expect(clippy::expect_used, reason = "a struct of plain fields always has a JSON form")]
        serde_json::to_string(self).expect("headers")
    }

    /// What an inbox row keeps of an envelope.
    pub(crate) fn of(envelope: &Envelope) -> Self {
        Self {
            correlationid: envelope.correlation_id.clone(),
            causationid: envelope.causation_id,
            traceparent: envelope.traceparent.clone(),
            authid: envelope.auth_id,
            time: Some(envelope.time),
            streamepoch: Some(envelope.stream_epoch),
        }
    }
}

/// A row that cannot become an envelope again; somebody else wrote it.
#[derive(Debug, thiserror::Error)]
#[error("row of event {event_id} is damaged: {what}")]
pub(crate) struct Damaged {
    pub event_id: Uuid,
    pub what: String,
}

/// The envelope of an outbox row.
pub(crate) fn emitted(row: outbox::Model) -> Result<Envelope, Damaged> {
    let domain = row.routing_key.split('.').next().unwrap_or_default().to_owned();
    envelope(row.event_id, &row.headers, &row.payload, |headers, data| NewEnvelope {
        id: row.event_id.into(),
        domain: &domain,
        aggregate: &row.aggregate_type,
        aggregate_id: Uuid::parse_str(&row.aggregate_id).unwrap_or_default(),
        event_type: row.event_type,
        time: row.occurred_at,
        correlation_id: headers.correlationid,
        causation_id: headers.causationid,
        traceparent: headers.traceparent,
        sequence: row.aggregate_seq,
        stream_epoch: row.stream_epoch,
        auth_id: headers.authid,
        data,
    })
}

/// The envelope of an inbox row that still has its payload.
pub(crate) fn parked(row: inbox::Model) -> Result<Envelope, Damaged> {
    envelope(row.event_id, &row.headers, row.payload.as_deref().unwrap_or_default(), |headers, data| NewEnvelope {
        id: row.event_id.into(),
        domain: &row.source,
        aggregate: &row.aggregate_type,
        aggregate_id: Uuid::parse_str(&row.aggregate_id).unwrap_or_default(),
        event_type: row.event_type,
        time: headers.time.unwrap_or(row.received_at),
        correlation_id: headers.correlationid,
        causation_id: headers.causationid,
        traceparent: headers.traceparent,
        sequence: row.aggregate_seq,
        stream_epoch: headers.streamepoch.unwrap_or(1),
        auth_id: headers.authid,
        data,
    })
}

fn envelope<'a>(
    event_id: Uuid,
    headers: &str,
    payload: &[u8],
    make: impl FnOnce(Headers, Box<RawValue>) -> NewEnvelope<'a>,
) -> Result<Envelope, Damaged> {
    let damaged = |error: serde_json::Error| Damaged { event_id, what: error.to_string() };
    let headers = serde_json::from_str::<Headers>(headers).map_err(damaged)?;
    let data = serde_json::from_slice(payload).map_err(damaged)?;
    Ok(Envelope::new(make(headers, data)))
}
