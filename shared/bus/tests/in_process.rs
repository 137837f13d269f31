//! What the bus of one process promises to a relay.

#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

use async_trait::async_trait;
use bus::{Deliver, Delivered, EventBus, InProcess, Infrastructure, Published, Subscription, Undecodable};
use contracts::{Envelope, EventId, NewEnvelope, topology};
use serde_json::value::to_raw_value;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;

const SOON: Duration = Duration::from_secs(5);

fn event(aggregate: u128, sequence: i64) -> Envelope {
    Envelope::new(NewEnvelope {
        id: EventId(Uuid::from_u128(aggregate * 100 + u128::try_from(sequence).unwrap())),
        domain: "user",
        aggregate: "user",
        aggregate_id: Uuid::from_u128(aggregate),
        event_type: "user.created.v1".to_owned(),
        time: "2026-01-01T00:00:00Z".parse().unwrap(),
        correlation_id: None,
        causation_id: None,
        traceparent: None,
        sequence,
        stream_epoch: 1,
        auth_id: None,
        data: to_raw_value(&serde_json::json!({"n": sequence})).unwrap(),
    })
}

/// Remembers what it was given; cannot take one aggregate, and hangs at another.
#[derive(Default)]
struct Inbox {
    seen: Mutex<Vec<(u128, i64)>>,
    broken: Option<u128>,
    hangs: Option<u128>,
}

#[async_trait]
impl Deliver for Inbox {
    async fn deliver(&self, envelope: Envelope) -> Result<Delivered, Infrastructure> {
        let aggregate = envelope.aggregate_id.as_u128();
        if self.hangs == Some(aggregate) {
            std::future::pending::<()>().await;
        }
        if self.broken == Some(aggregate) && envelope.sequence == 2 {
            return Err(Infrastructure("disk full".to_owned()));
        }
        self.seen.lock().unwrap().push((aggregate, envelope.sequence));
        Ok(Delivered::Done)
    }

    async fn undecodable(&self, message: Undecodable) -> Result<(), Infrastructure> {
        unreachable!("nothing here sends {message:?}")
    }
}

async fn subscribed(bus: &InProcess, consumer: &'static str, inbox: Inbox) -> Arc<Inbox> {
    let inbox = Arc::new(inbox);
    let streams = topology::heard_by(consumer);
    bus.subscribe(Subscription { consumer, streams, inbox: Arc::clone(&inbox) as _ }).await;
    inbox
}

#[tokio::test]
async fn every_consumer_gets_every_event_of_its_streams_in_order() {
    let bus = InProcess::new(["user", "task", "notification"]);
    let task = subscribed(&bus, "task", Inbox::default()).await;
    let notification = subscribed(&bus, "notification", Inbox::default()).await;
    let batch: Vec<Envelope> = (1..=3).flat_map(|seq| [event(1, seq), event(2, seq)]).collect();
    assert_eq!(bus.publish_batch(&batch, SOON).await, vec![Published::Accepted; 6]);
    for inbox in [task, notification] {
        let seen = inbox.seen.lock().unwrap();
        assert_eq!(seen.len(), 6);
        for aggregate in [1, 2] {
            let order: Vec<i64> = seen.iter().filter(|(of, _)| *of == aggregate).map(|(_, seq)| *seq).collect();
            assert_eq!(order, [1, 2, 3]);
        }
    }
}

#[tokio::test]
async fn what_nobody_hears_is_accepted() {
    let bus = InProcess::new(["user"]);
    assert_eq!(bus.publish_batch(&[event(1, 1)], SOON).await, [Published::Accepted]);
}

#[tokio::test]
async fn a_mounted_consumer_that_is_not_there_makes_its_events_unknown() {
    let bus = InProcess::new(["user", "task"]);
    let before = bus.publish_batch(&[event(1, 1)], SOON).await;
    assert_eq!(before, [Published::Unknown("task has not subscribed".to_owned())]);
    let inbox = subscribed(&bus, "task", Inbox::default()).await;
    assert_eq!(bus.publish_batch(&[event(1, 1)], SOON).await, [Published::Accepted]);
    bus.unsubscribe("task").await;
    assert!(matches!(bus.publish_batch(&[event(1, 2)], SOON).await[0], Published::Unknown(_)));
    assert_eq!(*inbox.seen.lock().unwrap(), [(1, 1)]);
}

#[tokio::test]
async fn a_database_in_trouble_holds_up_its_aggregate_and_no_other() {
    let bus = InProcess::new(["user", "task"]);
    let inbox = subscribed(&bus, "task", Inbox { broken: Some(1), ..Inbox::default() }).await;
    let batch: Vec<Envelope> = (1..=3).flat_map(|seq| [event(1, seq), event(2, seq)]).collect();
    let outcomes = bus.publish_batch(&batch, SOON).await;
    let unknown = Published::Unknown("disk full".to_owned());
    let (yes, no) = (Published::Accepted, unknown);
    assert_eq!(outcomes, [yes.clone(), yes.clone(), no.clone(), yes.clone(), no, yes]);
    assert!(!inbox.seen.lock().unwrap().contains(&(1, 3)), "nothing overtakes");
}

#[tokio::test]
async fn what_is_undecided_at_the_deadline_is_unknown() {
    let bus = InProcess::new(["user", "task"]);
    subscribed(&bus, "task", Inbox { hangs: Some(1), ..Inbox::default() }).await;
    let outcomes = bus.publish_batch(&[event(1, 1)], Duration::from_millis(20)).await;
    assert_eq!(outcomes, [Published::Unknown("task did not answer in time".to_owned())]);
}
