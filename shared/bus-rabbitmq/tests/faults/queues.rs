//! Queues that are not there.

use crate::world::{SOON, World, timing, trouble};
use bus::Published;
use bus_rabbitmq::{ConnectError, Timing, forget};
use contracts::topology::{TASKS, USERS};
use lapin::options::{QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use std::sync::Arc;
use std::time::Duration;
use testkit::conformance::{Recorder, Relay, event, subscribe};

#[tokio::test(flavor = "multi_thread")]
async fn events_that_were_published_before_the_consumers_first_start_are_kept() {
    let Some(world) = World::new().await else { return };
    let publisher = world.process(&["user"], timing()).await;
    Relay::all(&publisher, (1..=10).map(|seq| event(USERS, 1, seq)).collect()).await;
    let bus = world.process(&["task"], timing()).await;
    let inbox = Arc::new(Recorder::default());
    subscribe(bus.as_ref(), "task", &inbox).await;
    assert_eq!(inbox.effects(10).await.order(event(USERS, 1, 1).aggregate_id), (1..=10).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_loses_its_only_queue_is_refused_until_somebody_says_that_it_is_forgotten() {
    let Some(world) = World::new().await else { return };
    // Nobody looks and makes it again before it is forgotten.
    let unwatched = Timing { check: Duration::from_secs(3_600), ..timing() };
    let bus = world.process(&["user", "task"], unwatched).await;
    let unheard = [event(TASKS, 1, 1)];
    assert_eq!(
        bus.publish_batch(&unheard, SOON).await,
        [Published::Accepted],
        "the notification domain's queue has it"
    );
    let (_connection, channel) = world.channel().await;
    channel.queue_delete("notification.inbox.v1".into(), QueueDeleteOptions::default()).await.unwrap();
    assert_eq!(bus.publish_batch(&unheard, SOON).await, [Published::NoRoute]);

    let forgotten = forget(&world.host.url(), "notification").await.unwrap();
    assert_eq!(
        (forgotten.queues, forgotten.messages),
        (vec!["notification.dead.v1".to_owned(), "notification.control.v1".to_owned()], 0)
    );
    // Who connects again learns it at once, and misses nothing.
    world.proxy.cut();
    Relay::all(&bus, vec![event(TASKS, 1, 2)]).await;
    trouble(&bus, |trouble| trouble.is_none()).await;
    let again = forget(&world.host.url(), "notification").await.unwrap();
    assert_eq!(again.queues, Vec::<String>::new(), "twice is once");

    // Who starts without that domain does not make its queues again; who mounts it does.
    let other = world.process(&["user"], timing()).await;
    assert_eq!(other.publish_batch(&[event(TASKS, 1, 3)], SOON).await, [Published::Accepted]);
    let gone = channel.queue_declare(
        "notification.inbox.v1".into(),
        QueueDeclareOptions::default().passive(),
        FieldTable::default(),
    );
    assert!(gone.await.is_err(), "the queue stays away");
    let mounted = world.process(&["notification"], timing()).await;
    let inbox = Arc::new(Recorder::default());
    inbox.start_at(event(TASKS, 1, 1).aggregate_id, 3);
    subscribe(mounted.as_ref(), "notification", &inbox).await;
    Relay::all(&other, vec![event(TASKS, 1, 4)]).await;
    inbox.effects(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_that_somebody_serves_is_not_forgotten() {
    let Some(world) = World::new().await else { return };
    let (bus, inbox) = world.with_task(timing()).await;
    Relay::all(&bus, vec![event(USERS, 1, 1)]).await;
    inbox.effects(1).await;
    let error = forget(&world.host.url(), "task").await.unwrap_err();
    assert!(matches!(error, ConnectError::InUse { consumers: 1, .. }), "{error}");
    let error = forget(&world.host.url(), "billing").await.unwrap_err();
    assert!(error.to_string().contains("user, task, notification"), "{error}");
    Relay::all(&bus, vec![event(USERS, 1, 2)]).await;
    inbox.effects(2).await;
}
