//! An event that no queue takes is told apart from all others of its batch.

use crate::world::{ALL, SOON, World, timing};
use bus::Published;
use bus_rabbitmq::Timing;
use contracts::Envelope;
use contracts::topology::{TASKS, USERS};
use lapin::options::QueuePurgeOptions;
use lapin::types::FieldTable;
use std::time::Duration;
use testkit::conformance::event;

const BATCH: usize = 50;
/// The library attaches a return to a wrong confirm about once in eighty batches.
const BATCHES: usize = 1_000;

/// Nobody binds again what the test has unbound.
fn unwatched() -> Timing {
    Timing { check: Duration::from_secs(600), ..timing() }
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_the_unroutable_event_of_a_batch_is_refused() {
    let Some(world) = World::new().await else { return };
    let bus = world.process(&ALL, unwatched()).await;
    let (_connection, channel) = world.channel().await;
    let exchange = "cleave.events.v1".into();
    let unbound =
        channel.queue_unbind("notification.inbox.v1".into(), exchange, "task.task.#".into(), FieldTable::default());
    unbound.await.unwrap();
    let mut sequence = 0;
    for round in 0..BATCHES {
        let lost = round % BATCH;
        let make = |place| {
            sequence += 1;
            event(if place == lost { TASKS } else { USERS }, 1, sequence)
        };
        let batch: Vec<Envelope> = (0..BATCH).map(make).collect();
        let outcomes = bus.publish_batch(&batch, SOON).await;
        let mut expected = vec![Published::Accepted; BATCH];
        expected[lost] = Published::NoRoute;
        assert_eq!(outcomes, expected, "batch {round}");
    }
    let held = channel.queue_purge("task.inbox.v1".into(), QueuePurgeOptions::default()).await.unwrap();
    assert_eq!(usize::try_from(held).unwrap(), BATCHES * (BATCH - 1), "what was accepted is there, and nothing else");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_domains_publish_at_once_and_none_gets_the_others_returns() {
    let Some(world) = World::new().await else { return };
    let bus = world.process(&ALL, unwatched()).await;
    let (_connection, channel) = world.channel().await;
    let exchange = "cleave.events.v1".into();
    let unbound =
        channel.queue_unbind("notification.inbox.v1".into(), exchange, "task.task.#".into(), FieldTable::default());
    unbound.await.unwrap();
    for round in 0..100 {
        let of = |stream| (1..=20).map(|n| event(stream, round + 1, n)).collect::<Vec<_>>();
        let (users, tasks) = (of(USERS), of(TASKS));
        let (users, tasks) = tokio::join!(bus.publish_batch(&users, SOON), bus.publish_batch(&tasks, SOON));
        assert_eq!(users, vec![Published::Accepted; 20]);
        assert_eq!(tasks, vec![Published::NoRoute; 20]);
    }
}
