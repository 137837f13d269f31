//! Queues that somebody deletes. Rule: they are made again, and what they took along is said until its consumer misses
//! nothing, whoever made them again and however fast.

use crate::world::{ALL, SOON, World, timing, trouble};
use bus::EventBus;
use bus_rabbitmq::{Timing, forget};
use contracts::topology::USERS;
use lapin::BasicProperties;
use lapin::options::{BasicPublishOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use testkit::conformance::{Recorder, Relay, event, subscribe};
use testkit::eventually;

const INBOX: &str = "the queue task.inbox.v1 was deleted";

/// Nobody looks by himself during a test.
fn unwatched() -> Timing {
    Timing { check: Duration::from_secs(3_600), ..timing() }
}

async fn delete(world: &World, queue: &str) {
    let (_connection, channel) = world.channel().await;
    channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await.unwrap();
}

async fn says(bus: &Arc<dyn EventBus>, what: &str) -> String {
    trouble(bus, |trouble| trouble.is_some_and(|trouble| trouble.contains(what))).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_vanishes_is_made_again_and_stays_an_alarm() {
    let Some(world) = World::new().await else { return };
    let bus = world.process(&ALL, timing()).await;
    let notification = Arc::new(Recorder::default());
    subscribe(bus.as_ref(), "notification", &notification).await;
    assert_eq!(bus.status().trouble, None, "a first start finds nothing, and misses nothing");
    delete(&world, "task.inbox.v1").await;
    assert!(says(&bus, INBOX).await.contains("until it misses nothing"));
    Relay::all(&bus, vec![event(USERS, 1, 1)]).await;
    notification.effects(1).await;
    let task = Arc::new(Recorder::default());
    subscribe(bus.as_ref(), "task", &task).await;
    task.effects(1).await;
    assert!(bus.status().trouble.is_some_and(|trouble| trouble.contains(INBOX)), "that it is back repairs nothing");
    bus.made_good("task");
    assert!(bus.status().trouble.is_some_and(|trouble| trouble.contains(INBOX)), "it is too early to know");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_good_is_no_alarm_any_more() {
    let Some(world) = World::new().await else { return };
    let soon = Timing { made_good: Duration::ZERO, elsewhere: Duration::ZERO, ..timing() };
    let bus = world.process(&ALL, soon.clone()).await;
    delete(&world, "task.inbox.v1").await;
    says(&bus, INBOX).await;
    bus.made_good("notification");
    assert!(bus.status().trouble.is_some(), "another consumer cannot know");
    bus.made_good("task");
    assert_eq!(bus.status().trouble, None);
    // Where the consumer is not served, nobody says so.
    let elsewhere = world.process(&["user"], soon).await;
    delete(&world, "task.inbox.v1").await;
    trouble(&elsewhere, |trouble| trouble.is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_binding_that_was_removed_is_made_again() {
    let Some(world) = World::new().await else { return };
    let (bus, inbox) = world.with_task(timing()).await;
    let (_connection, channel) = world.channel().await;
    let unbound = channel.queue_unbind(
        "task.inbox.v1".into(),
        "cleave.events.v1".into(),
        "user.user.#".into(),
        FieldTable::default(),
    );
    unbound.await.unwrap();
    // The other consumer's queue is bound still, so nothing comes back.
    let n = AtomicU64::new(0);
    eventually("an event arrives", SOON, async || {
        let events = vec![event(USERS, n.fetch_add(1, Ordering::Relaxed).into(), 1)];
        Relay::all(&bus, events).await;
        (!inbox.record().effects.is_empty()).then_some(())
    })
    .await;
}

/// The broker may move a consumer over to a queue that is made again at once, without a word; what was lost meanwhile is
/// then found by comparing what was published with what was heard, and not here.
#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_whose_queue_is_replaced_by_another_process_goes_on() {
    let Some(world) = World::new().await else { return };
    let (bus, inbox) = world.with_task(unwatched()).await;
    Relay::all(&bus, vec![event(USERS, 1, 1)]).await;
    inbox.effects(1).await;
    delete(&world, "task.inbox.v1").await;
    let other = world.process(&["user"], unwatched()).await;
    Relay::all(&other, vec![event(USERS, 1, 2)]).await;
    let record = inbox.effects(2).await;
    assert_eq!(record.order(event(USERS, 1, 1).aggregate_id), [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_a_reconnect_makes_again_is_an_alarm() {
    let Some(world) = World::new().await else { return };
    let bus = world.process(&["user"], unwatched()).await;
    world.proxy.cut();
    trouble(&bus, |trouble| trouble.is_some()).await;
    trouble(&bus, |trouble| trouble.is_none()).await;
    world.proxy.close(true);
    delete(&world, "task.inbox.v1").await;
    world.proxy.cut();
    world.proxy.close(false);
    says(&bus, INBOX).await;
    let other = world.process(&["task"], unwatched()).await;
    assert_eq!(other.status().trouble, None, "who comes later finds everything");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_starts_and_finds_a_queue_missing_among_the_others_says_so() {
    let Some(world) = World::new().await else { return };
    drop(world.process(&ALL, unwatched()).await);
    delete(&world, "task.inbox.v1").await;
    let bus = world.process(&ALL, unwatched()).await;
    assert!(bus.status().trouble.is_some_and(|trouble| trouble.contains(INBOX)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_forgotten_domain_missed_is_no_alarm() {
    let Some(world) = World::new().await else { return };
    let bus = world.process(&["user"], timing()).await;
    delete(&world, "task.inbox.v1").await;
    says(&bus, INBOX).await;
    forget(&world.host.url(), "task").await.unwrap();
    trouble(&bus, |trouble| trouble.is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_queue_is_made_again_too() {
    let Some(world) = World::new().await else { return };
    let (bus, inbox) = world.with_task(unwatched()).await;
    Relay::all(&bus, vec![event(USERS, 1, 1)]).await;
    inbox.effects(1).await;
    delete(&world, "task.dead.v1").await;
    says(&bus, "the queue task.dead.v1 was deleted").await;
    let (_connection, channel) = world.channel().await;
    let options = BasicPublishOptions::default();
    let stray = channel.basic_publish(
        "cleave.events.v1".into(),
        "user.user.changed.v1".into(),
        options,
        b"no event",
        BasicProperties::default(),
    );
    stray.await.unwrap().await.unwrap();
    inbox.until("a stray", |record| record.undecodable.len() == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_nobody_empties_is_named_until_somebody_does() {
    let Some(world) = World::new().await else { return };
    let bus = world.process(&["user"], Timing { abandoned: Duration::from_millis(300), ..timing() }).await;
    Relay::all(&bus, vec![event(USERS, 1, 1)]).await;
    let told = "nobody takes events from task.inbox.v1, which holds 1";
    says(&bus, told).await;
    let task = Arc::new(Recorder::default());
    subscribe(bus.as_ref(), "task", &task).await;
    eventually("it is not said any more", SOON, async || {
        (!bus.status().trouble.is_some_and(|trouble| trouble.contains("task.inbox.v1"))).then_some(())
    })
    .await;
    task.effects(1).await;
}
