//! The events that are sent through a bus under test.

use contracts::topology::StreamName;
use contracts::{Envelope, EventId, NewEnvelope};
use serde_json::value::to_raw_value;
use uuid::Uuid;

/// The event of an aggregate with that number in its stream.
///
/// # Panics
/// When the numbers are not small and positive.
#[must_use]
pub fn event(stream: StreamName, aggregate: u128, sequence: i64) -> Envelope {
    let kind = u128::from(stream.domain.as_bytes()[0]);
    let aggregate_id = Uuid::from_u128(kind << 64 | aggregate);
    Envelope::new(NewEnvelope {
        id: EventId(Uuid::from_u128(aggregate_id.as_u128() << 24 | u128::try_from(sequence).expect("a sequence"))),
        domain: stream.domain,
        aggregate: stream.aggregate,
        aggregate_id,
        event_type: format!("{}.changed.v1", stream.aggregate),
        time: "2026-01-01T00:00:00Z".parse().expect("an instant"),
        correlation_id: Some("conformance".to_owned()),
        causation_id: None,
        traceparent: None,
        sequence,
        stream_epoch: 1,
        auth_id: None,
        data: to_raw_value(&serde_json::json!({ "n": sequence })).expect("a payload"),
    })
}

/// The first `length` events of each aggregate, taking turns.
pub(super) fn interleaved(stream: StreamName, aggregates: &[u128], length: i64) -> Vec<Envelope> {
    (1..=length).flat_map(|seq| aggregates.iter().map(move |aggregate| event(stream, *aggregate, seq))).collect()
}
