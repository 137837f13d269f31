//! Messages that are no events.

use crate::world::{World, timing, trouble};
use contracts::Envelope;
use contracts::topology::USERS;
use lapin::options::BasicPublishOptions;
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel};
use std::collections::HashSet;
use testkit::conformance::{Relay, event};

async fn put(channel: &Channel, key: &str, body: &[u8], properties: BasicProperties) {
    let options = BasicPublishOptions::default();
    let put = channel.basic_publish("cleave.events.v1".into(), key.into(), options, body, properties).await;
    put.unwrap().await.unwrap();
}

/// The copies that a message of the bus itself carries.
fn properties(envelope: &Envelope) -> BasicProperties {
    let mut headers = FieldTable::default();
    headers.insert("x-aggregate-type".into(), AMQPValue::LongString(envelope.aggregate().into()));
    headers.insert("x-aggregate-id".into(), AMQPValue::LongString(envelope.aggregate_id.to_string().into()));
    headers.insert("x-aggregate-seq".into(), AMQPValue::LongLongInt(envelope.sequence));
    headers.insert("x-stream-epoch".into(), AMQPValue::LongInt(envelope.stream_epoch));
    headers.insert("x-schema-version".into(), AMQPValue::LongInt(envelope.schema_version()));
    BasicProperties::default()
        .with_message_id(envelope.id.to_string().into())
        .with_type(envelope.event_type.as_str().into())
        .with_app_id(envelope.domain().into())
        .with_headers(headers)
}

/// A generator that gives the same bytes every time.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    /// Random bytes, or a good body with some of it spoilt, or cut off.
    fn body(&mut self, good: &[u8]) -> Vec<u8> {
        let mut body = match self.next() % 3 {
            0 => (0..self.next() % 300).map(|_| self.next().to_le_bytes()[0]).collect(),
            1 => good[..usize::try_from(self.next()).unwrap() % good.len()].to_vec(),
            _ => good.to_vec(),
        };
        if !body.is_empty() {
            for _ in 0..=self.next() % 4 {
                let place = usize::try_from(self.next()).unwrap() % body.len();
                body[place] = self.next().to_le_bytes()[0];
            }
        }
        body
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_random_bodies_end_up_in_rows_and_no_consumer_ends() {
    const STRAYS: usize = 2_000;
    let Some(world) = World::new().await else { return };
    let (bus, inbox) = world.with_task(timing()).await;
    let (_connection, channel) = world.channel().await;
    let good = event(USERS, 1, 1);
    let bytes = good.to_bytes().unwrap();
    let (mut noise, mut sent) = (Noise(2026), Vec::new());
    while sent.len() < STRAYS {
        let body = noise.body(&bytes);
        // One that is by chance an event with these properties is none of the strays.
        if Envelope::from_bytes(&body).is_err() {
            put(&channel, "user.user.changed.v1", &body, properties(&good)).await;
            sent.push(body);
        }
    }
    let record = inbox.until("all strays", |record| record.undecodable.len() >= STRAYS).await;
    let kept: HashSet<&[u8]> = record.undecodable.iter().map(|stray| stray.body.as_slice()).collect();
    assert!(sent.iter().all(|body| kept.contains(body.as_slice())), "byte for byte");
    assert_eq!((record.undecodable.len(), record.deliveries.len()), (STRAYS, 0), "each once, and none as an event");
    world.drained("task.inbox.v1").await;
    world.drained("task.dead.v1").await;
    Relay::all(&bus, vec![good]).await;
    inbox.effects(1).await;
    trouble(&bus, |trouble| trouble.is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_contradicts_itself_is_nobodys_event() {
    let Some(world) = World::new().await else { return };
    let (bus, inbox) = world.with_task(timing()).await;
    let (_connection, channel) = world.channel().await;
    let good = event(USERS, 1, 1);
    let bytes = good.to_bytes().unwrap();
    let spoof = |name: &str, value: AMQPValue| {
        let mut headers = properties(&good).headers().clone().unwrap();
        headers.insert(name.into(), value);
        properties(&good).with_headers(headers)
    };
    let cases = [
        (spoof("x-aggregate-seq", AMQPValue::LongLongInt(7)), "x-aggregate-seq"),
        (spoof("x-aggregate-id", AMQPValue::LongString("0".into())), "x-aggregate-id"),
        (properties(&good).with_headers(FieldTable::default()), "header"),
        (properties(&good).with_message_id("another".into()), "message_id"),
        (properties(&good).with_app_id("task".into()), "app_id"),
        (BasicProperties::default(), "message_id"),
    ];
    let count = cases.len();
    for (properties, _) in &cases {
        put(&channel, "user.user.changed.v1", &bytes, properties.clone()).await;
    }
    let big = vec![b'x'; 2 * 1024 * 1024];
    put(&channel, "user.user.changed.v1", &big, properties(&good)).await;
    let wrong_version = String::from_utf8(bytes.clone()).unwrap().replace("user.changed.v1", "user.changed.v0");
    put(&channel, "user.user.changed.v1", wrong_version.as_bytes(), properties(&good)).await;
    let record = inbox.until("all strays", |record| record.undecodable.len() >= count + 2).await;
    assert_eq!(record.deliveries, [], "none was an event");
    for (_, named) in &cases {
        assert!(record.undecodable.iter().any(|stray| stray.error.contains(named)), "{named} is named");
    }
    assert!(record.undecodable.iter().any(|stray| stray.body == big), "a long one is kept whole");
    let headers = &record.undecodable.iter().find(|stray| stray.error.contains("x-aggregate-seq")).unwrap().headers;
    assert!(headers.contains("\"x-aggregate-seq\":7"), "what came along is kept: {headers}");
    put(&channel, "user.user.changed.v1", &bytes, properties(&good)).await;
    assert_eq!(inbox.effects(1).await.effects, [(good.aggregate_id, 1)], "and one that is right is one");
    trouble(&bus, |trouble| trouble.is_none()).await;
}
