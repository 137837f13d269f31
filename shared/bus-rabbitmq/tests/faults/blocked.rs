//! A broker that takes nothing for a while.

use crate::world::{SOON, World, timing, trouble};
use bus::Published;
use contracts::topology::USERS;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use testkit::conformance::{Relay, event};

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_connection_publishes_nothing_until_it_is_unblocked() {
    let Some(world) = World::new().await else { return };
    let (bus, inbox) = world.with_task(timing()).await;
    Relay::all(&bus, vec![event(USERS, 1, 1)]).await;
    world.proxy.block();
    let said = trouble(&bus, |trouble| trouble.is_some_and(|trouble| trouble.contains("blocked"))).await.unwrap();
    assert!(said.contains("low on memory"), "{said}");
    let since = Instant::now();
    let outcome = bus.publish_batch(&[event(USERS, 1, 2)], SOON).await;
    assert!(matches!(&outcome[..], [Published::Unknown(reason)] if reason.contains("low on memory")), "{outcome:?}");
    assert!(since.elapsed() < Duration::from_secs(5), "a relay is not kept waiting");
    // That ends with the connection that is blocked, and with no other.
    world.proxy.cut_consuming();
    trouble(&bus, |trouble| trouble.is_some_and(|trouble| trouble.contains("no connection for consuming"))).await;
    let still = |trouble: Option<&str>| trouble.is_some_and(|trouble| !trouble.contains("for consuming"));
    let said = trouble(&bus, still).await.unwrap();
    assert!(said.contains("low on memory"), "{said}");
    // Consumers have a connection of their own: what another process publishes arrives.
    let other = world.process(&["user"], timing()).await;
    Relay::all(&other, vec![event(USERS, 2, 1)]).await;
    inbox.effects(2).await;
    world.drained("task.inbox.v1").await;
    world.proxy.unblock();
    Relay::all(&bus, vec![event(USERS, 1, 2)]).await;
    assert_eq!(inbox.effects(3).await.order(event(USERS, 1, 1).aggregate_id), [1, 2]);
    trouble(&bus, |trouble| trouble.is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_in_the_middle_of_a_batch_decides_nothing() {
    let Some(world) = World::new().await else { return };
    let (bus, inbox) = world.with_task(timing()).await;
    world.proxy.faults.no_confirms.store(true, Ordering::SeqCst);
    let batch: Vec<_> = (1..=5).map(|seq| event(USERS, 1, seq)).collect();
    let publishing = tokio::spawn({
        let (bus, batch) = (std::sync::Arc::clone(&bus), batch.clone());
        async move { bus.publish_batch(&batch, SOON).await }
    });
    inbox.effects(5).await;
    world.proxy.block();
    let outcomes = publishing.await.unwrap();
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Published::Unknown(_))), "{outcomes:?}");
    world.proxy.faults.no_confirms.store(false, Ordering::SeqCst);
    world.proxy.unblock();
    Relay::all(&bus, batch).await;
    assert_eq!(inbox.until("all of both", |record| record.deliveries.len() == 10).await.effects.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn confirms_that_never_come_decide_nothing_and_cost_duplicates_only() {
    let Some(world) = World::new().await else { return };
    let (bus, inbox) = world.with_task(timing()).await;
    world.proxy.faults.no_confirms.store(true, Ordering::SeqCst);
    let batch: Vec<_> = (1..=5).map(|seq| event(USERS, 1, seq)).collect();
    let since = Instant::now();
    let outcomes = bus.publish_batch(&batch, Duration::from_millis(300)).await;
    assert!(since.elapsed() < Duration::from_secs(5), "it does not wait for ever");
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Published::Unknown(_))), "{outcomes:?}");
    world.proxy.faults.no_confirms.store(false, Ordering::SeqCst);
    Relay::all(&bus, batch).await;
    let record = inbox.until("all of both", |record| record.deliveries.len() == 10).await;
    assert_eq!(record.order(event(USERS, 1, 1).aggregate_id), [1, 2, 3, 4, 5]);
}
