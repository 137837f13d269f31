//! An event as a message. Rule: identity comes only from the body; properties and headers copy it for operators, and a
//! message whose copies differ from its body is nobody's event.

use contracts::Envelope;
use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use serde_json::{Map, Value, json};

/// Longest text in a property or a routing key.
const SHORT: usize = 255;
/// Survives a restart of the broker.
const PERSISTENT: u8 = 2;

/// A message that is ready to be published.
#[derive(Debug)]
pub(crate) struct Message {
    pub routing_key: ShortString,
    pub properties: BasicProperties,
    pub body: Vec<u8>,
}

/// Puts an event into a message.
///
/// # Errors
/// Why it is none that a broker can carry.
pub(crate) fn encode(envelope: &Envelope) -> Result<Message, String> {
    let body = envelope.to_bytes().map_err(|error| error.to_string())?;
    let routing_key = envelope.routing_key();
    if routing_key.len() > SHORT {
        return Err(format!("its routing key has {} bytes, and {SHORT} are allowed", routing_key.len()));
    }
    let seconds = u64::try_from(envelope.time.timestamp()).unwrap_or_default();
    let mut headers = copies(envelope);
    if let Some(traceparent) = &envelope.traceparent {
        headers.insert("traceparent".into(), AMQPValue::LongString(traceparent.as_str().into()));
    }
    let mut properties = BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_content_type("application/cloudevents+json".into())
        .with_message_id(envelope.id.to_string().into())
        .with_type(envelope.event_type.as_str().into())
        .with_app_id(envelope.domain().into())
        .with_timestamp(seconds)
        .with_headers(headers);
    // A caller's own id may be longer than a property; the body has it in full.
    if let Some(id) = envelope.correlation_id.as_deref().filter(|id| id.len() <= SHORT) {
        properties = properties.with_correlation_id(id.into());
    }
    Ok(Message { routing_key: routing_key.into(), properties, body })
}

/// Takes the event out of a message.
///
/// # Errors
/// Why it is none.
pub(crate) fn decode(delivery: &Delivery) -> Result<Envelope, String> {
    let envelope = Envelope::from_bytes(&delivery.data).map_err(|error| match std::error::Error::source(&error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    })?;
    let copied = |name: &str, copy: &Option<ShortString>, own: &str| {
        let same = copy.as_ref().is_some_and(|copy| copy.as_str() == own);
        if same { Ok(()) } else { Err(format!("the property {name} is not the {own} of the body")) }
    };
    let properties = &delivery.properties;
    copied("message_id", properties.message_id(), &envelope.id.to_string())?;
    copied("type", properties.kind(), &envelope.event_type)?;
    copied("app_id", properties.app_id(), envelope.domain())?;
    let headers = properties.headers().as_ref().map(FieldTable::inner);
    for (name, own) in copies(&envelope).inner() {
        if headers.and_then(|headers| headers.get(name)) != Some(own) {
            return Err(format!("the header {name} is not what the body says"));
        }
    }
    Ok(envelope)
}

/// All that came with a message besides its body, for the row that keeps it.
pub(crate) fn circumstances(delivery: &Delivery) -> Value {
    let properties = &delivery.properties;
    let text = |value: &Option<ShortString>| value.as_ref().map(ToString::to_string);
    json!({
        "exchange": delivery.exchange.as_str(),
        "routing_key": delivery.routing_key.as_str(),
        "message_id": text(properties.message_id()),
        "type": text(properties.kind()),
        "app_id": text(properties.app_id()),
        "correlation_id": text(properties.correlation_id()),
        "content_type": text(properties.content_type()),
        "headers": properties.headers().as_ref().map_or(Value::Null, table),
    })
}

/// What the body says about the aggregate, the way it stands in the headers.
fn copies(envelope: &Envelope) -> FieldTable {
    let mut headers = FieldTable::default();
    headers.insert("x-aggregate-type".into(), AMQPValue::LongString(envelope.aggregate().into()));
    headers.insert("x-aggregate-id".into(), AMQPValue::LongString(envelope.aggregate_id.to_string().into()));
    headers.insert("x-aggregate-seq".into(), AMQPValue::LongLongInt(envelope.sequence));
    headers.insert("x-stream-epoch".into(), AMQPValue::LongInt(envelope.stream_epoch));
    headers.insert("x-schema-version".into(), AMQPValue::LongInt(envelope.schema_version()));
    headers
}

fn table(table: &FieldTable) -> Value {
    let fields: Map<String, Value> = table.into_iter().map(|(name, field)| (name.to_string(), value(field))).collect();
    Value::Object(fields)
}

fn value(field: &AMQPValue) -> Value {
    match field {
        AMQPValue::Boolean(value) => json!(value),
        AMQPValue::ShortShortInt(value) => json!(value),
        AMQPValue::ShortShortUInt(value) => json!(value),
        AMQPValue::ShortInt(value) => json!(value),
        AMQPValue::ShortUInt(value) => json!(value),
        AMQPValue::LongInt(value) => json!(value),
        AMQPValue::LongUInt(value) => json!(value),
        AMQPValue::LongLongInt(value) => json!(value),
        AMQPValue::Float(value) => json!(value),
        AMQPValue::Double(value) => json!(value),
        AMQPValue::DecimalValue(value) => json!(format!("{value:?}")),
        AMQPValue::ShortString(value) => json!(value.as_str()),
        AMQPValue::LongString(value) => json!(String::from_utf8_lossy(value.as_bytes())),
        AMQPValue::FieldArray(values) => Value::Array(values.as_slice().iter().map(self::value).collect()),
        AMQPValue::Timestamp(value) => json!(value),
        AMQPValue::FieldTable(fields) => table(fields),
        AMQPValue::ByteArray(bytes) => json!(String::from_utf8_lossy(bytes.as_slice())),
        AMQPValue::Void => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::{EventId, NewEnvelope};
    use uuid::Uuid;

    fn envelope() -> Envelope {
        Envelope::new(NewEnvelope {
            id: EventId(Uuid::from_u128(7)),
            domain: "task",
            aggregate: "task",
            aggregate_id: Uuid::from_u128(8),
            event_type: "task.assigned.v2".to_owned(),
            time: "2026-01-01T00:00:00Z".parse().unwrap(),
            correlation_id: Some("x".repeat(300)),
            causation_id: None,
            traceparent: Some("00-1-2-01".to_owned()),
            sequence: 9,
            stream_epoch: 3,
            auth_id: None,
            data: serde_json::value::to_raw_value(&json!({"n": 1})).unwrap(),
        })
    }

    fn delivered(message: Message) -> Delivery {
        let mut delivery = Delivery::mock(1, "e".into(), message.routing_key, false, message.body);
        delivery.properties = message.properties;
        delivery
    }

    #[test]
    fn what_was_encoded_is_decoded() {
        let message = encode(&envelope()).unwrap();
        assert_eq!(message.routing_key.as_str(), "task.task.assigned.v2");
        assert_eq!(message.properties.delivery_mode(), &Some(2));
        assert_eq!(message.properties.expiration(), &None);
        assert_eq!(message.properties.correlation_id(), &None, "too long for a property");
        let again = decode(&delivered(message)).unwrap();
        assert_eq!((again.id, again.sequence, again.stream_epoch), (envelope().id, 9, 3));
        assert_eq!(again.correlation_id.unwrap().len(), 300, "the body has it");
    }

    #[test]
    fn a_message_whose_copies_differ_from_its_body_is_no_event() {
        let spoil: [fn(BasicProperties) -> BasicProperties; 6] = [
            |p| p.with_message_id(Uuid::from_u128(9).to_string().into()),
            |p| p.with_type("task.assigned.v1".into()),
            |p| p.with_app_id("user".into()),
            |p| p.with_headers(FieldTable::default()),
            |p| {
                let mut headers = p.headers().clone().unwrap();
                headers.insert("x-aggregate-seq".into(), AMQPValue::LongLongInt(10));
                p.with_headers(headers)
            },
            |p| {
                let mut headers = p.headers().clone().unwrap();
                headers.insert("x-aggregate-id".into(), AMQPValue::LongString(Uuid::nil().to_string().into()));
                p.with_headers(headers)
            },
        ];
        for (n, spoil) in spoil.into_iter().enumerate() {
            let mut message = encode(&envelope()).unwrap();
            message.properties = spoil(message.properties);
            assert!(decode(&delivered(message)).is_err(), "spoilt in way {n}");
        }
    }

    #[test]
    fn a_routing_key_that_is_too_long_is_refused() {
        let mut envelope = envelope();
        envelope.event_type = format!("task.{}.v1", "x".repeat(300));
        assert!(encode(&envelope).unwrap_err().contains("routing key"));
    }

    #[test]
    fn everything_that_came_along_is_told() {
        let mut message = encode(&envelope()).unwrap();
        let mut headers = message.properties.headers().clone().unwrap();
        headers.insert("x-odd".into(), AMQPValue::FieldTable(FieldTable::default()));
        message.properties = message.properties.with_headers(headers);
        let told = circumstances(&delivered(message));
        assert_eq!(told["headers"]["x-aggregate-seq"], 9);
        assert_eq!(told["headers"]["x-odd"], json!({}));
        assert_eq!(told["type"], "task.assigned.v2");
    }
}
