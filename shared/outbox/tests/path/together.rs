//! Events that come together: one that fails takes nobody along, whatever stands before and behind it.

use super::*;
use std::sync::Arc;

on_both_databases! {
    of_many_that_come_together_a_failing_one_takes_nobody_along,
    what_stands_before_a_failing_event_of_its_aggregate_is_kept,
    with_many_failing_at_once_everybody_else_gets_through,
    trouble_of_one_listener_with_its_database_holds_up_nobody_who_came_with_it,
    what_waits_and_comes_again_is_not_attempted_by_that,
    what_may_not_emit_holds_up_nobody_who_came_with_it,
}

/// Emitted before the consumer is there, so that it hears all of it at once.
async fn emitted(kind: Kind, users: u128, events: u32) -> Option<(Pair, Vec<UserId>)> {
    let mut pair = Pair::new(kind).await?;
    pair.start_publisher().await;
    let users: Vec<UserId> = (1..=users).map(somebody).collect();
    for user in &users {
        pair.emit(*user, events).await;
    }
    Some((pair, users))
}

/// Of `upto` events those that have a listener.
fn heard_of(upto: i64) -> Vec<i64> {
    (1..=upto).filter(|seq| seq % 3 != 0).collect()
}

async fn of_many_that_come_together_a_failing_one_takes_nobody_along(kind: Kind) {
    let Some((mut pair, users)) = emitted(kind, 12, 6).await else { return };
    let (poison, others) = (users[5], users.iter().enumerate().filter(|(nth, _)| *nth != 5));
    pair.mood(poison, Some(Mood::Fails(1)));
    pair.start_consumer().await;
    for (_, user) in others {
        pair.heard(*user, 6).await;
        assert_eq!(pair.effects(*user).await, heard_of(6));
    }
    let first = unfinished(&pair.task, "task").await.unwrap().into_iter().next().unwrap();
    assert_eq!((first.attempts, first.last_error.as_deref()), (1, Some("not yet")), "one attempt is one attempt");
    assert!(pair.effects(poison).await.is_empty());
    pair.advance(TimeDelta::seconds(10));
    pair.heard(poison, 6).await;
    assert_eq!(pair.effects(poison).await, heard_of(6));
    pair.stop().await;
}

async fn what_stands_before_a_failing_event_of_its_aggregate_is_kept(kind: Kind) {
    let Some((mut pair, users)) = emitted(kind, 3, 6).await else { return };
    pair.mood(users[1], Some(Mood::FailsAt(4)));
    pair.start_consumer().await;
    pair.heard(users[0], 6).await;
    pair.heard(users[2], 6).await;
    pair.heard(users[1], 3).await;
    pair.eventually("the failure is not noted", async || {
        unfinished(&pair.task, "task").await.unwrap().iter().any(|row| row.attempts == 1)
    })
    .await;
    assert_eq!(pair.effects(users[1]).await, [1, 2], "what came before it is kept, once");
    pair.mood(users[1], None);
    pair.advance(TimeDelta::seconds(10));
    pair.heard(users[1], 6).await;
    assert_eq!(pair.effects(users[1]).await, heard_of(6));
    pair.stop().await;
}

async fn with_many_failing_at_once_everybody_else_gets_through(kind: Kind) {
    let Some((mut pair, users)) = emitted(kind, 30, 3).await else { return };
    let (bad, good) = users.split_at(20);
    bad.iter().for_each(|user| pair.mood(*user, Some(Mood::Refuses)));
    pair.start_consumer().await;
    for user in good {
        pair.heard(*user, 3).await;
        assert_eq!(pair.effects(*user).await, heard_of(3));
    }
    pair.eventually("not all are given up", async || {
        unfinished(&pair.task, "task").await.unwrap().iter().filter(|row| row.dead).count() == bad.len()
    })
    .await;
    for user in bad {
        assert!(pair.effects(*user).await.is_empty());
    }
    pair.stop().await;
}

async fn trouble_of_one_listener_with_its_database_holds_up_nobody_who_came_with_it(kind: Kind) {
    let Some((mut pair, users)) = emitted(kind, 4, 3).await else { return };
    pair.mood(users[1], Some(Mood::Troubled));
    pair.start_consumer().await;
    for user in [users[0], users[2], users[3]] {
        pair.heard(user, 3).await;
    }
    assert!(unfinished(&pair.task, "task").await.unwrap().is_empty(), "trouble of the database is no attempt");
    pair.mood(users[1], None);
    pair.heard(users[1], 3).await;
    assert_eq!(pair.effects(users[1]).await, heard_of(3));
    pair.stop().await;
}

async fn what_waits_and_comes_again_is_not_attempted_by_that(kind: Kind) {
    let Some(mut pair) = Pair::new(kind).await else { return };
    let user = somebody(1);
    pair.mood(user, Some(Mood::FailsAt(1)));
    pair.start_consumer().await;
    // As often as an attempt may fail, and more.
    for _ in 0..15 {
        assert_eq!(offer(&pair, &[event(user, 1, 1), event(user, 2, 1)]).await, vec![Published::Accepted; 2]);
    }
    let first = unfinished(&pair.task, "task").await.unwrap().into_iter().next().unwrap();
    assert_eq!((first.attempts, first.dead), (1, false));
    pair.mood(user, None);
    pair.advance(TimeDelta::seconds(10));
    pair.heard(user, 2).await;
    assert_eq!(pair.effects(user).await, [1, 2]);
    pair.stop().await;
}

async fn what_may_not_emit_holds_up_nobody_who_came_with_it(kind: Kind) {
    let Some(mut pair) = Pair::started(kind).await else { return };
    let gate = Arc::clone(pair.task.gate());
    for round in 0..50 {
        let users = [1, 2, 3].map(|n| somebody(10 * round + n));
        pair.mood(users[1], Some(Mood::Emits));
        let events: Vec<Envelope> = (1..=3).flat_map(|seq| users.map(|user| event(user, seq, 1))).collect();
        gate.close(Some("on purpose".to_owned()));
        let outcomes = offer(&pair, &events).await;
        // Whoever looks after the gate opens it again, in the middle perhaps.
        if !gate.is_closed() {
            continue;
        }
        for (event, outcome) in events.iter().zip(outcomes) {
            let emits = event.aggregate_id == users[1].uuid();
            assert_eq!(outcome == Published::Accepted, !emits, "{} {}", event.aggregate_id, event.sequence);
        }
        assert_eq!(pair.effects(users[0]).await, [1, 2, 3]);
        assert!(pair.effects(users[1]).await.is_empty());
        pair.eventually("the gate stays closed", async || !gate.is_closed()).await;
        assert_eq!(offer(&pair, &events).await, vec![Published::Accepted; 9]);
        assert_eq!(pair.effects(users[1]).await, [1, 2, 3]);
        pair.stop().await;
        return;
    }
    panic!("the gate was opened again each time");
}
