//! What domains ask each other about events. Rule: a control message is never a source of truth and may be lost,
//! repeated or late; whoever needs an answer asks again until its effect is seen.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// A message from domain to domain, outside every stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Control {
    /// A consumer misses events.
    Replay(Replay),
    /// A publisher says how far some of its streams are.
    Heads(Heads),
    /// A consumer asks what it needs to begin, and how far the streams are.
    Join(Join),
    /// A publisher says how some of its aggregates are.
    Snapshots(Snapshots),
    /// A publisher cannot give the events any more, nor the aggregate they were about.
    Gone(Gone),
    /// A publisher has started, or begins a new stream epoch.
    Started(Started),
    /// A consumer says what it knows of a publisher.
    Heard(Heard),
}

/// A consumer misses events; to the publisher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    /// The consumer.
    pub consumer: String,
    /// The kind of aggregate.
    pub aggregate: String,
    /// What is missing.
    pub ranges: Vec<Range>,
}

/// A part of one aggregate's stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Range {
    /// The aggregate.
    pub id: Uuid,
    /// The first sequence, from 1.
    pub from: i64,
    /// The last sequence.
    pub to: i64,
}

/// How far streams are; to a consumer of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heads {
    /// The publisher.
    pub source: String,
    /// The kind of aggregate.
    pub aggregate: String,
    /// How far each of them is.
    pub heads: Vec<Head>,
    /// Whether it ends the answer to a [`Join`].
    pub last: bool,
}

/// How far one aggregate's stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The aggregate.
    pub id: Uuid,
    /// Sequence of the newest event that was published and had time to arrive.
    pub seq: i64,
    /// See [`crate::Envelope::stream_epoch`].
    pub epoch: i32,
    /// Whether the consumer was among those that the event was for when it was published. One that was not needs
    /// only follow what it knows already.
    pub routed: bool,
}

/// A consumer begins, or has lost sight of the streams; to the publisher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// The consumer.
    pub consumer: String,
    /// The kind of aggregate.
    pub aggregate: String,
    /// When the consumer first began to ask, by its own clock.
    pub began: DateTime<Utc>,
    /// Since when the consumer is complete; as the publisher said in [`Snapshots::since`].
    pub since: Option<DateTime<Utc>>,
    /// How far a joining has come that is under way: its [`Snapshots::since`] and the last aggregate that was taken.
    pub under_way: Option<(DateTime<Utc>, Uuid)>,
    /// Whether it took events before anybody kept book of who joined when.
    pub veteran: bool,
}

/// Living aggregates as they are now; to a consumer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshots {
    /// The publisher.
    pub source: String,
    /// The kind of aggregate.
    pub aggregate: String,
    /// The type of the snapshots: `user.snapshot.v1`.
    pub event_type: String,
    /// When they were read, by the publisher's clock.
    pub time: DateTime<Utc>,
    /// The aggregates.
    pub living: Vec<Snapshot>,
    /// Of which joining they are; none where they fill a gap.
    pub page: Option<Page>,
}

/// A page of a joining.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Since when all events go to the consumer. It names the joining: another one is another joining.
    pub since: DateTime<Utc>,
    /// Where the next page begins; none behind the last.
    pub next: Option<Uuid>,
}

/// One aggregate as it is now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The aggregate.
    pub id: Uuid,
    /// The consumer needs no event at or before this one; what is behind it comes, or came, as an event.
    pub seq: i64,
    /// See [`crate::Envelope::stream_epoch`].
    pub epoch: i32,
    /// The whole state.
    pub data: Value,
}

/// What cannot be had any more; to a consumer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// The publisher.
    pub source: String,
    /// The kind of aggregate.
    pub aggregate: String,
    /// The aggregate.
    pub id: Uuid,
    /// The last sequence that cannot be had.
    pub to: i64,
    /// See [`crate::Envelope::stream_epoch`].
    pub epoch: i32,
}

/// A publisher has started, or begins a new stream epoch; to a consumer, who answers with [`Heard`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// The publisher.
    pub source: String,
    /// Of what it emits from now on; see [`crate::Envelope::stream_epoch`].
    pub epoch: i32,
}

/// What a consumer knows of a publisher; to the publisher, who sees by it whether its database is an older one than that
/// which the events came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// The consumer.
    pub consumer: String,
    /// The highest epoch of the publisher's that it has met; 0 where it has met none.
    pub epoch: i32,
    /// Events that it took lately.
    pub events: Vec<Uuid>,
}

impl Control {
    /// Encodes to JSON.
    ///
    /// # Errors
    /// When the serializer fails, which no message of these types provokes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    /// Decodes.
    ///
    /// # Errors
    /// For anything else, also for a kind of message that only a newer release knows.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_encoded_is_decoded() {
        let (id, since) = (Uuid::from_u128(7), "2026-01-02T03:04:05.000006Z".parse().unwrap());
        let (source, aggregate) = ("user".to_owned(), "user".to_owned());
        let messages = [
            Control::Replay(Replay {
                consumer: "task".to_owned(),
                aggregate: aggregate.clone(),
                ranges: vec![Range { id, from: 1, to: i64::MAX }],
            }),
            Control::Heads(Heads {
                source: source.clone(),
                aggregate: aggregate.clone(),
                heads: vec![Head { id, seq: 7, epoch: 2, routed: true }],
                last: true,
            }),
            Control::Join(Join {
                consumer: "task".to_owned(),
                aggregate: aggregate.clone(),
                began: since,
                since: Some(since),
                under_way: Some((since, id)),
                veteran: true,
            }),
            Control::Snapshots(Snapshots {
                source: source.clone(),
                aggregate: aggregate.clone(),
                event_type: "user.snapshot.v1".to_owned(),
                time: since,
                living: vec![Snapshot { id, seq: 7, epoch: 1, data: json!({"user_id": id}) }],
                page: Some(Page { since, next: None }),
            }),
            Control::Started(Started { source: source.clone(), epoch: 2 }),
            Control::Heard(Heard { consumer: "task".to_owned(), epoch: 2, events: vec![id] }),
            Control::Gone(Gone { source, aggregate, id, to: 7, epoch: 1 }),
        ];
        for message in messages {
            assert_eq!(Control::from_bytes(&message.to_bytes().unwrap()).unwrap(), message);
        }
    }

    #[test]
    fn what_only_a_newer_release_knows_is_refused_and_an_unknown_attribute_is_ignored() {
        assert!(Control::from_bytes(br#"{"kind":"from_the_future"}"#).is_err());
        let gone = format!(
            r#"{{"kind":"gone","source":"user","aggregate":"user","id":"{}","to":1,"epoch":1,"why":"who knows"}}"#,
            Uuid::nil()
        );
        assert!(Control::from_bytes(gone.as_bytes()).is_ok());
    }
}
