//! What a bus does when an inbox has a bad day.

use super::events::{event, interleaved};
use super::recorder::Record;
use super::{Mood, Recorder, Relay, Rig, subscribe};
use bus::EventBus;
use contracts::topology::USERS;
use std::sync::Arc;
use std::time::Duration;

/// Long enough for any bus that works.
const DEADLINE: Duration = Duration::from_secs(10);

async fn with_inbox(rig: &impl Rig) -> (Arc<dyn EventBus>, Arc<Recorder>) {
    let bus = rig.process(&["user", "task"]).await;
    let inbox = Arc::new(Recorder::default());
    subscribe(bus.as_ref(), "task", &inbox).await;
    (bus, inbox)
}

/// An event that a database could not take is offered again, in its order, and holds up nobody else.
pub async fn trouble_of_a_database_is_waited_out(rig: &impl Rig) {
    let (bus, inbox) = with_inbox(rig).await;
    let events = interleaved(USERS, &[1, 2], 3);
    let (troubled, other) = (events[0].aggregate_id, events[1].aggregate_id);
    inbox.mood(troubled, Mood::Troubled(3));
    let relay = Relay::start(&bus, events, DEADLINE);
    let record = inbox.until("the other's effects", |record| record.order(other).len() == 3).await;
    assert_eq!(record.order(other), [1, 2, 3]);
    relay.done().await;
    let record = inbox.effects(6).await;
    assert_eq!(record.order(troubled), [1, 2, 3], "in order, and each once");
    assert!(record.early.iter().all(|(aggregate, _)| *aggregate == other), "nothing overtook what waited");
    assert!(record.deliveries_of(troubled) >= 6, "three times in vain, and three times not");
}

/// What an inbox keeps for later is in its hands: the bus does not bring it again.
pub async fn what_was_parked_does_not_come_again(rig: &impl Rig) {
    let (bus, inbox) = with_inbox(rig).await;
    let (parked, marker) = (event(USERS, 1, 1), event(USERS, 2, 1));
    inbox.mood(parked.aggregate_id, Mood::Parks);
    Relay::all(&bus, vec![parked.clone()]).await;
    inbox.until("a parked event", |record| !record.parked.is_empty()).await;
    bus.unsubscribe("task").await;
    subscribe(bus.as_ref(), "task", &inbox).await;
    Relay::all(&bus, vec![marker.clone()]).await;
    let record = inbox.effects(1).await;
    assert_eq!(record.deliveries_of(parked.aggregate_id), 1);
    assert_eq!(record.effects, [(marker.aggregate_id, 1)]);
}

/// A relay that does not know what became of a batch offers it again.
pub async fn an_event_offered_twice_has_one_effect(rig: &impl Rig) {
    let (bus, inbox) = with_inbox(rig).await;
    let events = interleaved(USERS, &[1, 2, 3], 4);
    let first = events[0].aggregate_id;
    Relay::all(&bus, events.clone()).await;
    Relay::all(&bus, events).await;
    Relay::all(&bus, vec![event(USERS, 4, 1)]).await;
    // A delivery is recorded before its effect.
    let all = |record: &Record| record.deliveries.len() >= 25 && record.effects.len() >= 13;
    let record = inbox.until("all of both", all).await;
    assert_eq!((record.deliveries.len(), record.effects.len()), (25, 13));
    assert_eq!(record.order(first), [1, 2, 3, 4]);
}

/// What was published while a consumer was away, and what it had not settled, reaches it after its return, also into
/// another process.
pub async fn a_consumer_that_comes_back_gets_what_it_missed(rig: &impl Rig) {
    let (bus, inbox) = with_inbox(rig).await;
    let stuck = event(USERS, 1, 1);
    inbox.mood(stuck.aggregate_id, Mood::Troubled(u32::MAX));
    let relay = Relay::start(&bus, vec![stuck.clone()], DEADLINE);
    inbox.until("an attempt", |record| !record.deliveries.is_empty()).await;
    // What came behind it and was taken says nothing of it.
    Relay::all(&bus, vec![event(USERS, 3, 1), event(USERS, 4, 1)]).await;
    inbox.effects(2).await;
    bus.unsubscribe("task").await;
    let before = inbox.record();
    let missed = Relay::start(&bus, vec![event(USERS, 2, 1), event(USERS, 2, 2)], DEADLINE);
    let back = Arc::new(Recorder::default());
    subscribe(bus.as_ref(), "task", &back).await;
    relay.done().await;
    missed.done().await;
    let record = back.effects(3).await;
    assert_eq!(record.order(stuck.aggregate_id), [1]);
    assert_eq!(inbox.record().deliveries.len(), before.deliveries.len(), "who left is not called any more");

    // In good order, so that nothing is left that was handed over and not settled.
    bus.unsubscribe("task").await;
    drop(bus);
    let bus = rig.process(&["user", "task"]).await;
    let third = Arc::new(Recorder::default());
    subscribe(bus.as_ref(), "task", &third).await;
    let later = event(USERS, 9, 1);
    Relay::all(&bus, vec![later.clone()]).await;
    assert_eq!(third.effects(1).await.effects, [(later.aggregate_id, 1)], "what was settled does not come back");
}

/// A panic is no answer: the event is offered again, and the consumer lives on.
pub async fn a_panicking_inbox_costs_nothing_but_time(rig: &impl Rig) {
    let (bus, inbox) = with_inbox(rig).await;
    let events = interleaved(USERS, &[1, 2], 3);
    let (panicking, other) = (events[0].aggregate_id, events[1].aggregate_id);
    inbox.mood(panicking, Mood::Panics(2));
    Relay::all(&bus, events).await;
    let record = inbox.effects(6).await;
    assert_eq!((record.order(panicking), record.order(other)), (vec![1, 2, 3], vec![1, 2, 3]));
    assert!(record.deliveries_of(panicking) >= 5);
}

/// An inbox that takes longer than a relay waits gets everything all the same.
pub async fn a_slow_inbox_delays_and_loses_nothing(rig: &impl Rig) {
    let (bus, inbox) = with_inbox(rig).await;
    let events = interleaved(USERS, &[1, 2], 5);
    let slow = events[0].aggregate_id;
    inbox.mood(slow, Mood::Slow(Duration::from_millis(150)));
    Relay::start(&bus, events, Duration::from_millis(100)).done().await;
    let record = inbox.effects(10).await;
    assert_eq!(record.order(slow), [1, 2, 3, 4, 5]);
    assert_eq!(record.effects.len(), 10);
}

/// Leaving waits for the delivery that is under way, and begins none behind it; the rest is for whoever comes next.
pub async fn leaving_in_the_middle_finishes_what_is_under_way(rig: &impl Rig) {
    let (bus, inbox) = with_inbox(rig).await;
    let events: Vec<_> = (1..=8).map(|seq| event(USERS, 1, seq)).collect();
    let aggregate = events[0].aggregate_id;
    inbox.mood(aggregate, Mood::Waits);
    let relay = Relay::start(&bus, events, DEADLINE);
    inbox.until("a delivery", |record| !record.deliveries.is_empty()).await;
    let leaving = tokio::spawn({
        let bus = Arc::clone(&bus);
        async move { bus.unsubscribe("task").await }
    });
    tokio::task::yield_now().await;
    assert!(!leaving.is_finished(), "it waits for the delivery");
    inbox.let_go();
    leaving.await.expect("it leaves");
    let left = inbox.record();
    assert!(left.effects.contains(&(aggregate, 1)), "what was under way is finished");
    let next = Arc::new(Recorder::default());
    // The next consumer's watermark is the same table.
    let taken = left.effects.len();
    next.start_at(aggregate, i64::try_from(taken).expect("a few"));
    subscribe(bus.as_ref(), "task", &next).await;
    relay.done().await;
    let rest = next.effects(8 - taken).await;
    let all: Vec<i64> = left.order(aggregate).into_iter().chain(rest.order(aggregate)).collect();
    assert_eq!(all, (1..=8).collect::<Vec<_>>(), "each once and in order");
    assert_eq!(inbox.record().deliveries.len(), left.deliveries.len(), "who left is not called any more");
}
