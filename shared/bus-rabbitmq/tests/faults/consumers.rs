//! Consumers in trouble, and several of them.

use crate::world::{World, timing, trouble};
use bus_rabbitmq::Timing;
use contracts::topology::USERS;
use futures_util::poll;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use testkit::conformance::{Mood, Recorder, Relay, event, subscribe};

#[tokio::test(flavor = "multi_thread")]
async fn an_inbox_that_stays_in_trouble_gives_its_events_back_and_loses_none() {
    let Some(world) = World::new().await else { return };
    let timing = Timing { hold: Duration::from_millis(200), ..timing() };
    let (bus, inbox) = world.with_task(timing).await;
    let events: Vec<_> = (1..=5).map(|seq| event(USERS, 1, seq)).collect();
    let aggregate = events[0].aggregate_id;
    inbox.mood(aggregate, Mood::Troubled(40));
    Relay::all(&bus, events).await;
    let said = trouble(&bus, |trouble| trouble.is_some()).await.unwrap();
    assert!(said.contains("task cannot take events") && said.contains("the disk is full"), "{said}");
    let record = inbox.effects(5).await;
    assert_eq!(record.order(aggregate), [1, 2, 3, 4, 5]);
    world.drained("task.inbox.v1").await;
    assert_eq!(world.messages("task.dead.v1"), 0, "trouble of a database kills no event");
    trouble(&bus, |trouble| trouble.is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_processes_one_consumes_and_the_other_takes_over() {
    let Some(world) = World::new().await else { return };
    let (first_bus, first) = world.with_task(timing()).await;
    Relay::all(&first_bus, vec![event(USERS, 1, 1)]).await;
    first.effects(1).await;
    let (second_bus, second) = world.with_task(timing()).await;
    Relay::all(&second_bus, (2..=50).map(|seq| event(USERS, 1, seq)).collect()).await;
    let record = first.effects(50).await;
    assert_eq!(record.order(event(USERS, 1, 1).aggregate_id), (1..=50).collect::<Vec<_>>());
    assert_eq!(second.record().deliveries, [], "one at a time");
    drop(first_bus);
    second.start_at(event(USERS, 1, 1).aggregate_id, 50);
    Relay::all(&second_bus, vec![event(USERS, 1, 51)]).await;
    second.effects(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_the_broker_forgot_is_opened_again() {
    let Some(world) = World::new().await else { return };
    let timing = Timing { stall: Duration::from_secs(1), ..timing() };
    let (bus, inbox) = world.with_task(timing).await;
    Relay::all(&bus, vec![event(USERS, 1, 1)]).await;
    inbox.effects(1).await;
    world.drained("task.inbox.v1").await;
    // More than may be handed out at once: the queue keeps some, and its consumer hears of none.
    world.proxy.faults.no_deliveries.store(true, Ordering::SeqCst);
    Relay::all(&bus, (2..=300).map(|seq| event(USERS, 1, seq)).collect()).await;
    let reopened = |trouble: Option<&str>| trouble.is_some_and(|trouble| trouble.contains("its consumer gets none"));
    trouble(&bus, reopened).await;
    world.proxy.faults.no_deliveries.store(false, Ordering::SeqCst);
    let record = inbox.effects(300).await;
    assert_eq!(record.order(event(USERS, 1, 1).aggregate_id), (1..=300).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_gives_back_what_was_not_begun() {
    let Some(world) = World::new().await else { return };
    let (bus, inbox) = world.with_task(timing()).await;
    let events: Vec<_> = (1..=20).map(|seq| event(USERS, 1, seq)).collect();
    let aggregate = events[0].aggregate_id;
    inbox.mood(aggregate, Mood::Waits);
    // The others come while the first is worked on.
    Relay::all(&bus, events[..1].to_vec()).await;
    inbox.until("a delivery", |record| record.deliveries.len() == 1).await;
    Relay::all(&bus, events[1..].to_vec()).await;
    let mut leaving = pin!(bus.unsubscribe("task"));
    assert!(poll!(&mut leaving).is_pending(), "it waits for what is under way");
    inbox.let_go();
    leaving.await;
    let taken = inbox.record().effects.len();
    assert!(taken < 20, "it does not work through all that it was handed");
    testkit::eventually("the rest is in the queue", crate::world::SOON, async || {
        (usize::try_from(world.messages("task.inbox.v1")).unwrap() == 20 - taken).then_some(())
    })
    .await;
    let next = Arc::new(Recorder::default());
    next.start_at(aggregate, i64::try_from(taken).unwrap());
    subscribe(bus.as_ref(), "task", &next).await;
    let record = next.effects(20 - taken).await;
    assert_eq!(record.deliveries.len(), 20 - taken, "what was finished does not come again");
}
