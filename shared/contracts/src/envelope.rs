//! The wire form of an event: CloudEvents 1.0, structured JSON mode, with the Correlation, Distributed Tracing,
//! Partitioning and Sequence extensions (<https://github.com/cloudevents/spec>). Rule: identity comes only from
//! these typed fields, never from a transport's headers; unknown attributes are ignored.

use crate::ids::{EventId, UserId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

/// An event with all that is needed to order, deduplicate and trace it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Envelope {
    specversion: SpecVersion,
    /// Unique, and the key in every inbox.
    pub id: EventId,
    /// `/services/<domain>`.
    source: String,
    /// `task.completed.v1`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// `task/<id>`: the kind of aggregate and its id.
    subject: String,
    /// When it happened.
    pub time: DateTime<Utc>,
    datacontenttype: String,
    dataschema: String,
    /// Ties together all that one request caused.
    #[serde(rename = "correlationid", skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// The event that caused this one; none for what a request caused.
    #[serde(rename = "causationid", skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<Uuid>,
    /// W3C trace context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The aggregate's id.
    #[serde(rename = "partitionkey")]
    pub aggregate_id: Uuid,
    /// Position in the aggregate's stream, from 1; text, as the Sequence extension says.
    #[serde(with = "sequence_text")]
    pub sequence: i64,
    /// Raised when the publisher's database was put back from a backup: its sequences begin anew where the backup ends.
    #[serde(rename = "streamepoch")]
    pub stream_epoch: i32,
    /// Who caused it.
    #[serde(rename = "authid", skip_serializing_if = "Option::is_none")]
    pub auth_id: Option<UserId>,
    /// The payload, as the publisher wrote it.
    pub data: Box<RawValue>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum SpecVersion {
    #[serde(rename = "1.0")]
    V1,
}

/// What a publisher knows of an event besides its payload; see the fields of [`Envelope`].
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is the one of the same name in Envelope")]
pub struct NewEnvelope<'a> {
    pub id: EventId,
    pub domain: &'a str,
    pub aggregate: &'a str,
    pub aggregate_id: Uuid,
    pub event_type: String,
    pub time: DateTime<Utc>,
    pub correlation_id: Option<String>,
    pub causation_id: Option<Uuid>,
    pub traceparent: Option<String>,
    pub sequence: i64,
    pub stream_epoch: i32,
    pub auth_id: Option<UserId>,
    pub data: Box<RawValue>,
}

/// Why bytes are not an envelope.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// Not JSON, or an attribute is missing or of another type.
    #[error("not a CloudEvents 1.0 envelope")]
    Json(#[from] serde_json::Error),
    /// An attribute contradicts another or is out of bounds.
    #[error("attribute {attribute} is invalid: {value}")]
    Attribute {
        /// Its name on the wire.
        attribute: &'static str,
        /// What it held.
        value: String,
    },
}

impl Envelope {
    /// Puts an event into its envelope.
    #[must_use]
    pub fn new(new: NewEnvelope<'_>) -> Self {
        Self {
            specversion: SpecVersion::V1,
            id: new.id,
            source: format!("/services/{}", new.domain),
            subject: format!("{}/{}", new.aggregate, new.aggregate_id),
            time: new.time,
            datacontenttype: "application/json".to_owned(),
            dataschema: format!("urn:cleave:schema:{}", new.event_type),
            event_type: new.event_type,
            correlation_id: new.correlation_id,
            causation_id: new.causation_id,
            traceparent: new.traceparent,
            aggregate_id: new.aggregate_id,
            sequence: new.sequence,
            stream_epoch: new.stream_epoch,
            auth_id: new.auth_id,
            data: new.data,
        }
    }

    /// The publishing domain.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.source.rsplit('/').next().unwrap_or_default()
    }

    /// The kind of aggregate.
    #[must_use]
    pub fn aggregate(&self) -> &str {
        self.subject.split('/').next().unwrap_or_default()
    }

    /// The type without its version: `task.completed`.
    #[must_use]
    pub fn type_without_version(&self) -> &str {
        self.event_type.rsplit_once(".v").map_or(self.event_type.as_str(), |(name, _)| name)
    }

    /// The routing key `<domain>.<aggregate>.<event>.v<n>`.
    #[must_use]
    pub fn routing_key(&self) -> String {
        format!("{}.{}", self.domain(), self.event_type)
    }

    /// The number behind `.v`; 0 when there is none.
    #[must_use]
    pub fn schema_version(&self) -> i32 {
        self.event_type.rsplit_once(".v").and_then(|(_, version)| version.parse().ok()).unwrap_or_default()
    }

    /// True once the publisher blanked the payload because its subject was deleted.
    #[must_use]
    pub fn is_erased(&self) -> bool {
        self.data.get() == ERASED
    }

    /// Encodes to JSON.
    ///
    /// # Errors
    /// [`EnvelopeError::Json`] when the serializer fails, which no well-formed envelope provokes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, EnvelopeError> {
        Ok(serde_json::to_vec(self)?)
    }

    /// Decodes and checks what the rest of the system relies on.
    ///
    /// # Errors
    /// [`EnvelopeError`] for anything that is not a complete, consistent envelope.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let envelope: Self = serde_json::from_slice(bytes)?;
        let refuse = |attribute, value: &str| Err(EnvelopeError::Attribute { attribute, value: value.to_owned() });
        if envelope.sequence < 1 {
            return refuse("sequence", &envelope.sequence.to_string());
        }
        if envelope.source != format!("/services/{}", envelope.domain()) || envelope.domain().is_empty() {
            return refuse("source", &envelope.source);
        }
        if envelope.subject != format!("{}/{}", envelope.aggregate(), envelope.aggregate_id) {
            return refuse("subject", &envelope.subject);
        }
        if envelope.schema_version() < 1 || !envelope.event_type.starts_with(&format!("{}.", envelope.aggregate())) {
            return refuse("type", &envelope.event_type);
        }
        Ok(envelope)
    }
}

/// The payload of an event whose subject was deleted.
pub const ERASED: &str = r#"{"erased":true}"#;

mod sequence_text {
    //! A 64-bit number as text.
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(sequence: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(sequence)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn wire() -> Value {
        json!({
            "specversion": "1.0", "id": "01890a5d-ac96-774b-bcce-b302099a8057", "source": "/services/task",
            "type": "task.completed.v1", "subject": "task/01890a5d-ac96-774b-bcce-b302099a8058",
            "time": "2026-01-02T03:04:05.000006Z", "datacontenttype": "application/json",
            "dataschema": "urn:cleave:schema:task.completed.v1", "correlationid": "req-1",
            "partitionkey": "01890a5d-ac96-774b-bcce-b302099a8058", "sequence": "7", "streamepoch": 1,
            "data": {"task_id": "x"},
        })
    }

    #[test]
    fn what_was_encoded_is_decoded() {
        let envelope = Envelope::from_bytes(wire().to_string().as_bytes()).unwrap();
        assert_eq!((envelope.domain(), envelope.aggregate(), envelope.sequence), ("task", "task", 7));
        assert_eq!(envelope.routing_key(), "task.task.completed.v1");
        assert_eq!(envelope.type_without_version(), "task.completed");
        let again: Value = serde_json::from_slice(&envelope.to_bytes().unwrap()).unwrap();
        assert_eq!(again, wire());
    }

    #[test]
    fn an_envelope_that_contradicts_itself_is_refused() {
        for (attribute, value) in [
            ("specversion", json!("0.3")),
            ("sequence", json!("0")),
            ("sequence", json!(7)),
            ("sequence", json!("seven")),
            ("source", json!("task")),
            ("source", json!("/services/")),
            ("subject", json!("task/01890a5d-ac96-774b-bcce-b302099a8059")),
            ("type", json!("task.completed")),
            ("type", json!("user.created.v1")),
            ("id", json!("7")),
            ("data", Value::Null),
        ] {
            let mut wire = wire();
            if value.is_null() {
                wire.as_object_mut().unwrap().remove(attribute);
            } else {
                wire[attribute] = value.clone();
            }
            assert!(Envelope::from_bytes(wire.to_string().as_bytes()).is_err(), "{attribute} = {value}");
        }
    }

    #[test]
    fn an_unknown_attribute_is_ignored() {
        let mut wire = wire();
        wire["fromthefuture"] = json!(true);
        assert!(Envelope::from_bytes(wire.to_string().as_bytes()).is_ok());
    }
}
