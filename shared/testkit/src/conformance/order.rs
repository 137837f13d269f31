//! What a bus does on a good day.

use super::events::{event, interleaved};
use super::{Recorder, Relay, Rig, subscribe};
use bus::Published;
use contracts::topology::{NOTIFICATIONS, TASKS, USERS};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Everyone who hears a stream gets each of its events, and each aggregate's in order.
pub async fn every_consumer_gets_every_event_of_its_streams_in_order(rig: &impl Rig) {
    let bus = rig.process(&["user", "task", "notification"]).await;
    let (task, notification) = (Arc::new(Recorder::default()), Arc::new(Recorder::default()));
    subscribe(bus.as_ref(), "task", &task).await;
    subscribe(bus.as_ref(), "notification", &notification).await;
    let aggregates: Vec<u128> = (1..=20).collect();
    let events = interleaved(USERS, &aggregates, 30);
    let ids: BTreeSet<_> = events.iter().map(|event| event.aggregate_id).collect();
    Relay::all(&bus, events).await;
    for inbox in [task, notification] {
        let record = inbox.effects(600).await;
        for id in &ids {
            assert_eq!(record.order(*id), (1..=30).collect::<Vec<_>>(), "in order, and each once");
        }
        assert_eq!(record.deliveries.len(), 600, "without a fault nothing comes twice");
        assert!(record.early.is_empty(), "nothing overtook: {:?}", record.early);
    }
}

/// A stream reaches those who hear it and nobody else.
pub async fn what_only_one_hears_reaches_only_that_one(rig: &impl Rig) {
    let bus = rig.process(&["user", "task", "notification"]).await;
    let (task, notification) = (Arc::new(Recorder::default()), Arc::new(Recorder::default()));
    subscribe(bus.as_ref(), "task", &task).await;
    subscribe(bus.as_ref(), "notification", &notification).await;
    let events = vec![event(TASKS, 1, 1), event(TASKS, 1, 2), event(USERS, 2, 1)];
    let user = events[2].aggregate_id;
    Relay::all(&bus, events).await;
    assert_eq!(notification.effects(3).await.effects.len(), 3);
    // Behind the same publisher's events, in a queue of its own.
    let record = task.effects(1).await;
    assert_eq!(record.deliveries, [(user, 1)], "the task domain does not hear tasks");
}

/// Publishing to nobody is fine, also in one batch with what is heard.
pub async fn what_nobody_hears_is_accepted(rig: &impl Rig) {
    let bus = rig.process(&["user", "task", "notification"]).await;
    let (task, notification) = (Arc::new(Recorder::default()), Arc::new(Recorder::default()));
    subscribe(bus.as_ref(), "task", &task).await;
    subscribe(bus.as_ref(), "notification", &notification).await;
    let unheard: Vec<_> = (1..=5).map(|seq| event(NOTIFICATIONS, 1, seq)).collect();
    let outcomes = bus.publish_batch(&unheard, Duration::from_secs(10)).await;
    assert_eq!(outcomes, vec![Published::Accepted; 5]);
    assert_eq!(bus.publish_batch(&[], Duration::from_secs(10)).await, []);
    let heard = event(TASKS, 1, 1);
    Relay::all(&bus, vec![event(NOTIFICATIONS, 1, 6), heard.clone()]).await;
    assert_eq!(notification.effects(1).await.deliveries, [(heard.aggregate_id, 1)]);
    assert_eq!(task.record().deliveries, []);
    assert_eq!(bus.status().trouble, None);
}
