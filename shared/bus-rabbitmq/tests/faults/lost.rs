//! Connections that end, and connections that only seem to be there.

use crate::world::{SOON, World, timing, trouble};
use bus::Published;
use bus_rabbitmq::Timing;
use contracts::topology::USERS;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use testkit::conformance::{Mood, Relay, event};

/// Events of ten aggregates.
fn load(length: i64) -> Vec<contracts::Envelope> {
    (1..=length).flat_map(|seq| (1..=10).map(move |aggregate| event(USERS, aggregate, seq))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_lost_connections_lose_nothing() {
    let Some(world) = World::new().await else { return };
    let (bus, inbox) = world.with_task(timing()).await;
    let mut length = 0;
    for round in 1..=50 {
        let relay = Relay::start(&bus, load(length + 10).split_off(usize::try_from(length * 10).unwrap()), SOON);
        length += 10;
        if round % 10 == 0 {
            world.host.control(&["close_all_connections", "--vhost", world.host.name(), "a test"]).unwrap();
        } else {
            world.proxy.cut();
        }
        relay.done().await;
    }
    let record = inbox.effects(usize::try_from(length * 10).unwrap()).await;
    for aggregate in 1..=10 {
        assert_eq!(record.order(event(USERS, aggregate, 1).aggregate_id), (1..=length).collect::<Vec<_>>());
    }
    trouble(&bus, |trouble| trouble.is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_stays_away_is_waited_for() {
    let Some(world) = World::new().await else { return };
    let (bus, inbox) = world.with_task(timing()).await;
    world.proxy.close(true);
    world.proxy.cut();
    let said = trouble(&bus, |trouble| trouble.is_some()).await.unwrap();
    assert!(said.contains("no connection for publishing") || said.contains("no connection for consuming"), "{said}");
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(2) {
        let outcomes = bus.publish_batch(&[event(USERS, 1, 1)], SOON).await;
        assert!(matches!(outcomes[..], [Published::Unknown(_)]), "{outcomes:?}");
        tokio::task::yield_now().await;
    }
    world.proxy.close(false);
    Relay::all(&bus, vec![event(USERS, 1, 1)]).await;
    inbox.effects(1).await;
    trouble(&bus, |trouble| trouble.is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_nobody_answers_on_is_given_up() {
    let Some(world) = World::new().await else { return };
    let timing = Timing { heartbeat: Duration::from_secs(1), answer: Duration::from_secs(2), ..timing() };
    let (bus, inbox) = world.with_task(timing).await;
    Relay::all(&bus, vec![event(USERS, 1, 1)]).await;
    inbox.effects(1).await;
    world.proxy.silence();
    let since = Instant::now();
    let outcomes = bus.publish_batch(&[event(USERS, 1, 2)], Duration::from_secs(1)).await;
    assert!(matches!(outcomes[..], [Published::Unknown(_)]), "{outcomes:?}");
    // A consumer that hears nothing at all learns it from the missing heartbeat.
    Relay::all(&bus, vec![event(USERS, 1, 2), event(USERS, 2, 1)]).await;
    inbox.effects(3).await;
    assert!(since.elapsed() < Duration::from_secs(15), "{:?} for heartbeats of one second", since.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledgements_that_are_lost_cost_duplicates_only() {
    let Some(world) = World::new().await else { return };
    let (bus, inbox) = world.with_task(timing()).await;
    let mut length = 0;
    for _ in 0..10 {
        world.proxy.faults.no_acks.store(true, Ordering::SeqCst);
        let before = world.proxy.faults.lost_acks.load(Ordering::SeqCst);
        Relay::all(&bus, load(length + 2).split_off(usize::try_from(length * 10).unwrap())).await;
        length += 2;
        // Each has had its effect, and the broker will never hear of it: neither by what was lost nor by what is cut off.
        inbox.effects(usize::try_from(length * 10).unwrap()).await;
        testkit::eventually("no acknowledgement is lost", SOON, async || {
            (world.proxy.faults.lost_acks.load(Ordering::SeqCst) > before).then_some(())
        })
        .await;
        world.proxy.cut();
        world.proxy.faults.no_acks.store(false, Ordering::SeqCst);
        let deliveries = usize::try_from(length * 20).unwrap();
        inbox.until("all come again", |record| record.deliveries.len() >= deliveries).await;
        world.drained("task.inbox.v1").await;
    }
    let record = inbox.record();
    assert_eq!(record.effects.len(), 200, "each once");
    for aggregate in 1..=10 {
        assert_eq!(record.order(event(USERS, aggregate, 1).aggregate_id), (1..=20).collect::<Vec<_>>());
    }
    assert_eq!(world.messages("task.dead.v1"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_no_consumer_survives_is_never_given_up() {
    let Some(world) = World::new().await else { return };
    let poison = event(USERS, 1, 1);
    Relay::all(&world.process(&["user"], timing()).await, vec![poison.clone()]).await;
    for _ in 1..=25 {
        let (bus, inbox) = world.with_task(timing()).await;
        inbox.mood(poison.aggregate_id, Mood::Waits);
        inbox.until("a delivery", |record| !record.deliveries.is_empty()).await;
        // The process is gone with the event in its hands.
        world.proxy.cut();
        drop(bus);
        assert_eq!(inbox.record().effects, []);
    }
    let (_bus, inbox) = world.with_task(timing()).await;
    assert_eq!(inbox.effects(1).await.effects, [(poison.aggregate_id, 1)]);
    world.drained("task.inbox.v1").await;
    assert_eq!(world.messages("task.dead.v1"), 0, "nothing was dead-lettered");
}
