//! The path of an event, from the writer's commit to the listener's: order, exactly one effect, failures that delay
//! nobody else.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at what it did not expect")]

#[path = "path/pair.rs"]
mod pair;

use bus::{EventBus, Published};
use chrono::TimeDelta;
use contracts::{Envelope, EventId, NewEnvelope, UserId};
use db::Context;
use futures_util::future::join_all;
use outbox::{DeadLetterError, OnDead, replay, skip, unfinished, unpublished};
use pair::{Mood, Pair, created, emit_one};
use serde_json::value::to_raw_value;
use std::time::Duration;
use uuid::Uuid;

fn somebody(n: u128) -> UserId {
    UserId(Uuid::from_u128(n))
}

fn event(user: UserId, sequence: i64, epoch: i32) -> Envelope {
    Envelope::new(NewEnvelope {
        id: EventId(Uuid::from_u128(user.uuid().as_u128() * 1_000 + u128::try_from(sequence).unwrap())),
        domain: "user",
        aggregate: "user",
        aggregate_id: user.uuid(),
        event_type: "user.created.v1".to_owned(),
        time: "2026-01-01T00:00:00Z".parse().unwrap(),
        correlation_id: None,
        causation_id: None,
        traceparent: None,
        sequence,
        stream_epoch: epoch,
        auth_id: None,
        data: to_raw_value(&created(user)).unwrap(),
    })
}

async fn offer(pair: &Pair, envelopes: &[Envelope]) -> Vec<Published> {
    pair.bus.publish_batch(envelopes, Duration::from_secs(5)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_emitted_is_heard_once_and_in_order() {
    let mut pair = Pair::started().await;
    let users: Vec<UserId> = (1..=20).map(somebody).collect();
    join_all(users.iter().map(|user| pair.emit(*user, 10))).await;
    for user in &users {
        pair.heard(*user, 10).await;
        assert_eq!(pair.effects(*user), [1, 2, 4, 5, 7, 8, 10], "without those that nobody listens to");
    }
    pair.still_unpublished(0).await;
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_writers_of_one_aggregate_leave_no_hole_and_no_repeat() {
    let mut pair = Pair::started().await;
    let user = somebody(1);
    let context = Context::default();
    let writers = (0..64).map(|_| pair.user.write(&context, &user, emit_one));
    join_all(writers).await.into_iter().for_each(|written| written.unwrap());
    pair.heard(user, 64).await;
    let file = rusqlite::Connection::open(pair.directory.path().join("user.db")).unwrap();
    let by_id = "SELECT group_concat(aggregate_seq, ' ') FROM (SELECT aggregate_seq FROM outbox ORDER BY id)";
    let sequences: String = file.query_row(by_id, [], |row| row.get(0)).unwrap();
    let expected: Vec<String> = (1..=64).map(|n: i32| n.to_string()).collect();
    assert_eq!(sequences, expected.join(" "));
    pair.stop().await;
}

#[tokio::test]
async fn shuffled_and_repeated_deliveries_have_one_effect_each_in_order() {
    let mut pair = Pair::new().await;
    pair.start_consumer().await;
    let users: Vec<UserId> = (1..=5).map(somebody).collect();
    let mut deliveries: Vec<Envelope> = Vec::new();
    for round in 0..3 {
        for seq in 1..=8 {
            // Another order in each round, and none of them the right one.
            deliveries.extend(
                users.iter().map(|user| event(*user, (seq * [3, 5, 7][round]) % 9, 1)).filter(|e| e.sequence > 0),
            );
        }
    }
    for envelope in &deliveries {
        let outcome = offer(&pair, std::slice::from_ref(envelope)).await;
        assert_eq!(outcome, [Published::Accepted]);
    }
    for user in &users {
        pair.heard(*user, 8).await;
        assert_eq!(pair.effects(*user), [1, 2, 3, 4, 5, 6, 7, 8]);
    }
    assert!(unfinished(&pair.task, "task").await.unwrap().is_empty());
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_that_fails_is_tried_again_and_holds_up_nobody_else() {
    let mut pair = Pair::started().await;
    let (poison, well) = (somebody(1), somebody(2));
    pair.mood(poison, Some(Mood::Fails(3)));
    pair.emit(poison, 2).await;
    pair.emit(well, 2).await;
    pair.heard(well, 2).await;
    for failed in 1..=3 {
        pair.eventually("the failure is not noted", async || {
            unfinished(&pair.task, "task").await.unwrap().first().is_some_and(|row| row.attempts == failed)
        })
        .await;
        assert!(pair.effects(poison).is_empty(), "a failed attempt leaves nothing");
        pair.advance(TimeDelta::seconds(10));
    }
    pair.heard(poison, 2).await;
    assert_eq!(pair.effects(poison), [1, 2]);
    assert_eq!(pair.running[1].health().await.unwrap().failing, 0);
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_twelve_attempts_an_event_is_dead_and_a_replay_lets_all_behind_it_through() {
    let mut pair = Pair::started().await;
    let user = somebody(1);
    pair.mood(user, Some(Mood::Fails(u32::MAX)));
    pair.emit(user, 5).await;
    pair.eventually("the event is not given up", async || {
        pair.advance(TimeDelta::minutes(11));
        unfinished(&pair.task, "task").await.unwrap().iter().any(|row| row.dead && row.attempts == 12)
    })
    .await;
    assert!(pair.effects(user).is_empty());
    let rows = unfinished(&pair.task, "task").await.unwrap();
    let dead = EventId(rows.iter().find(|row| row.dead).unwrap().event_id);
    assert_eq!(rows[0].last_error.as_deref(), Some("not yet"));
    let behind = EventId(rows.iter().find(|row| !row.dead).unwrap().event_id);
    assert_eq!(pair.running[1].health().await.unwrap().dead, 1);
    pair.mood(user, None);
    let replays = join_all((0..5).map(|_| replay(&pair.task, "task", dead))).await;
    assert!(replays.iter().all(Result::is_ok), "five at once are one: {replays:?}");
    pair.advance(TimeDelta::seconds(1));
    pair.heard(user, 5).await;
    assert_eq!(pair.effects(user), [1, 2, 4, 5]);
    assert!(matches!(replay(&pair.task, "task", dead).await, Err(DeadLetterError::NotDead)));
    assert!(matches!(skip(&pair.task, "task", behind).await, Err(DeadLetterError::NotDead)));
    assert!(matches!(skip(&pair.task, "task", EventId(Uuid::nil())).await, Err(DeadLetterError::NotFound)));
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_permanent_failure_is_dead_at_once_and_a_skip_passes_it() {
    let mut pair = Pair::started().await;
    let user = somebody(1);
    pair.mood(user, Some(Mood::Refuses));
    pair.emit(user, 1).await;
    pair.eventually("the event is not dead", async || {
        unfinished(&pair.task, "task").await.unwrap().first().is_some_and(|row| row.dead && row.attempts == 1)
    })
    .await;
    pair.mood(user, None);
    pair.emit(user, 1).await;
    let dead = EventId(unfinished(&pair.task, "task").await.unwrap().iter().find(|row| row.dead).unwrap().event_id);
    for _ in 0..2 {
        skip(&pair.task, "task", dead).await.unwrap();
    }
    pair.advance(TimeDelta::seconds(1));
    pair.heard(user, 2).await;
    assert_eq!(pair.effects(user), [2], "the skipped one has no effect, the one behind it has");
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_the_policy_skip_a_dead_event_holds_up_nobody_and_can_be_replayed_late() {
    let mut pair = Pair::new().await;
    pair.on_dead = OnDead::Skip;
    pair.start_publisher().await;
    pair.start_consumer().await;
    let user = somebody(1);
    pair.mood(user, Some(Mood::Refuses));
    pair.emit(user, 1).await;
    pair.heard(user, 1).await;
    pair.mood(user, None);
    pair.emit(user, 1).await;
    pair.heard(user, 2).await;
    assert_eq!(pair.effects(user), [2]);
    let dead = EventId(unfinished(&pair.task, "task").await.unwrap()[0].event_id);
    replay(&pair.task, "task", dead).await.unwrap();
    pair.advance(TimeDelta::seconds(1));
    pair.eventually("the replay has no effect", async || pair.effects(user) == [2, 1]).await;
    assert!(unfinished(&pair.task, "task").await.unwrap().is_empty());
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_and_a_hang_are_failures_like_any_other() {
    for mood in [Mood::Panics, Mood::Hangs] {
        let mut pair = Pair::started().await;
        let (poison, well) = (somebody(1), somebody(2));
        pair.mood(poison, Some(mood));
        pair.emit(poison, 1).await;
        pair.emit(well, 1).await;
        pair.heard(well, 1).await;
        pair.eventually("the failure is not noted", async || {
            unfinished(&pair.task, "task").await.unwrap().first().is_some_and(|row| row.attempts == 1)
        })
        .await;
        assert!(pair.effects(poison).is_empty(), "{mood:?}");
        pair.mood(poison, None);
        pair.advance(TimeDelta::seconds(10));
        pair.heard(poison, 1).await;
        pair.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_that_comes_later_has_missed_nothing() {
    let mut pair = Pair::new().await;
    pair.start_publisher().await;
    let user = somebody(1);
    pair.emit(user, 3).await;
    assert_eq!(offer(&pair, &[event(user, 1, 1)]).await, [Published::Unknown("task has not subscribed".to_owned())]);
    assert_eq!(unpublished(&pair.user).await.unwrap(), 3);
    pair.start_consumer().await;
    pair.heard(user, 3).await;
    pair.stop().await;
    pair.emit(user, 1).await;
    pair.start_consumer().await;
    pair.start_publisher().await;
    pair.heard(user, 4).await;
    assert_eq!(pair.effects(user), [1, 2, 4]);
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_in_trouble_costs_no_attempt_and_loses_nothing() {
    let mut pair = Pair::started().await;
    let stranger = rusqlite::Connection::open(pair.directory.path().join("task.db")).unwrap();
    stranger.execute_batch("BEGIN IMMEDIATE").unwrap();
    let user = somebody(1);
    pair.emit(user, 2).await;
    pair.eventually("the trouble is not seen", async || pair.task.trouble().is_some()).await;
    assert_eq!(unpublished(&pair.user).await.unwrap(), 2);
    stranger.execute_batch("ROLLBACK").unwrap();
    pair.heard(user, 2).await;
    assert_eq!(pair.effects(user), [1, 2]);
    assert!(unfinished(&pair.task, "task").await.unwrap().is_empty());
    pair.stop().await;
}

#[tokio::test]
async fn a_stream_that_begins_anew_is_parked_and_not_taken_for_a_duplicate() {
    let mut pair = Pair::new().await;
    pair.start_consumer().await;
    let user = somebody(1);
    assert_eq!(offer(&pair, &[event(user, 1, 1)]).await, [Published::Accepted]);
    let mut restored = event(user, 2, 2);
    restored.id = EventId(Uuid::from_u128(99));
    assert_eq!(offer(&pair, &[restored]).await, [Published::Accepted]);
    assert_eq!(unfinished(&pair.task, "task").await.unwrap().len(), 1);
    assert_eq!(pair.effects(user), [1]);
    pair.stop().await;
}

#[tokio::test]
async fn an_event_at_a_place_that_is_taken_stays_with_its_publisher() {
    let mut pair = Pair::new().await;
    pair.start_consumer().await;
    let user = somebody(1);
    assert_eq!(offer(&pair, &[event(user, 1, 1)]).await, [Published::Accepted]);
    // A restored publisher gives the same sequence to another event.
    let mut other = event(user, 1, 2);
    other.id = EventId(Uuid::from_u128(77));
    assert!(matches!(offer(&pair, &[other]).await[0], Published::Unknown(_)), "it must not vanish");
    assert_eq!(pair.effects(user), [1]);
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_began_anew_do_not_stand_before_others() {
    let mut pair = Pair::new().await;
    pair.start_consumer().await;
    for restored in (100..180).map(somebody) {
        offer(&pair, &[event(restored, 1, 1), event(restored, 2, 2)]).await;
    }
    let well = somebody(1);
    pair.mood(well, Some(Mood::Fails(1)));
    offer(&pair, &[event(well, 1, 1)]).await;
    pair.advance(TimeDelta::seconds(10));
    pair.heard(well, 1).await;
    assert_eq!(unfinished(&pair.task, "task").await.unwrap().len(), 80, "those stay for an operator");
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_steps_back_holds_up_nothing_and_changes_no_order() {
    let mut pair = Pair::new().await;
    pair.start_consumer().await;
    let (emitted, parked, failing) = (somebody(1), somebody(2), somebody(3));
    pair.mood(failing, Some(Mood::Fails(1)));
    pair.emit(emitted, 1).await;
    offer(&pair, &[event(parked, 2, 1), event(failing, 1, 1)]).await;
    pair.advance(-TimeDelta::hours(1));
    pair.emit(emitted, 1).await;
    offer(&pair, &[event(parked, 1, 1)]).await;
    pair.start_publisher().await;
    for user in [emitted, parked] {
        pair.heard(user, 2).await;
        assert_eq!(pair.effects(user), [1, 2]);
    }
    pair.heard(failing, 1).await;
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_row_holds_up_its_own_aggregate_and_nobody_else() {
    let mut pair = Pair::new().await;
    let (damaged, well) = (somebody(1), somebody(2));
    pair.emit(damaged, 2).await;
    pair.emit(well, 1).await;
    let file = rusqlite::Connection::open(pair.directory.path().join("user.db")).unwrap();
    file.execute("UPDATE outbox SET headers = '{' WHERE id = 1", []).unwrap();
    pair.start_consumer().await;
    pair.start_publisher().await;
    pair.heard(well, 1).await;
    assert!(unfinished(&pair.task, "task").await.unwrap().is_empty(), "its successor has not overtaken it");
    pair.still_unpublished(2).await;
    file.execute("UPDATE outbox SET headers = '{}' WHERE id = 1", []).unwrap();
    pair.advance(TimeDelta::seconds(10));
    pair.heard(damaged, 2).await;

    let (damaged, well) = (somebody(3), somebody(4));
    pair.mood(damaged, Some(Mood::Fails(1)));
    pair.mood(well, Some(Mood::Fails(1)));
    offer(&pair, &[event(damaged, 1, 1), event(well, 1, 1)]).await;
    let file = rusqlite::Connection::open(pair.directory.path().join("task.db")).unwrap();
    file.execute("UPDATE inbox SET headers = '{' WHERE aggregate_id = ?", [damaged.to_string()]).unwrap();
    pair.advance(TimeDelta::seconds(10));
    pair.heard(well, 1).await;
    pair.eventually("the damaged row is not dead", async || {
        unfinished(&pair.task, "task").await.unwrap().first().is_some_and(|row| row.dead)
    })
    .await;
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trouble_with_one_row_keeps_no_other_from_being_worked() {
    let mut pair = Pair::new().await;
    pair.start_consumer().await;
    let (troubled, well) = (somebody(1), somebody(2));
    for user in [troubled, well] {
        pair.mood(user, Some(Mood::Fails(1)));
        offer(&pair, &[event(user, 1, 1)]).await;
    }
    pair.mood(troubled, Some(Mood::Troubled));
    pair.advance(TimeDelta::seconds(10));
    pair.heard(well, 1).await;
    let rows = unfinished(&pair.task, "task").await.unwrap();
    assert_eq!(rows.iter().map(|row| row.attempts).collect::<Vec<_>>(), [1], "trouble costs no attempt");
    pair.stop().await;
}

#[tokio::test]
async fn a_payload_that_does_not_decode_is_dead_at_once() {
    let mut pair = Pair::new().await;
    pair.start_consumer().await;
    let mut lossy = event(somebody(1), 1, 1);
    lossy.data = to_raw_value(&serde_json::json!({"user_id": somebody(1)})).unwrap();
    assert_eq!(offer(&pair, &[lossy]).await, [Published::Accepted]);
    let rows = unfinished(&pair.task, "task").await.unwrap();
    assert!(rows[0].dead && rows[0].last_error.as_ref().unwrap().contains("does not decode"), "{rows:?}");
    pair.stop().await;
}

#[tokio::test]
async fn a_blanked_event_counts_as_handled() {
    let mut pair = Pair::new().await;
    pair.start_consumer().await;
    let user = somebody(1);
    let mut blank = event(user, 1, 1);
    blank.data = serde_json::from_str(contracts::ERASED).unwrap();
    assert_eq!(offer(&pair, &[blank, event(user, 2, 1)]).await, [Published::Accepted, Published::Accepted]);
    pair.heard(user, 2).await;
    assert_eq!(pair.effects(user), [2]);
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_wake_up_polling_alone_moves_events() {
    let mut pair = Pair::new().await;
    pair.tuning.poll = (Duration::from_millis(5), Duration::from_millis(20));
    // Nothing has emitted through this handle, so nobody is told.
    pair.start_publisher().await;
    pair.start_consumer().await;
    let user = somebody(1);
    let mut options = db::DbOptions::file(pair.directory.path().join("user.db"));
    options.wake_up = false;
    let silent = db::Db::open(options).await.unwrap();
    silent.write(&Context::default(), &user, emit_one).await.unwrap();
    pair.advance(TimeDelta::days(3_650));
    pair.heard(user, 1).await;
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_done_is_purged_and_still_known_as_a_duplicate() {
    let mut pair = Pair::started().await;
    let user = somebody(1);
    pair.emit(user, 2).await;
    pair.heard(user, 2).await;
    pair.advance(TimeDelta::days(40));
    let before = "2026-01-08T00:00:00Z".parse().unwrap();
    assert_eq!(outbox::purge(&pair.task, before).await.unwrap(), 2);
    assert_eq!(outbox::purge(&pair.task, before).await.unwrap(), 0);
    assert_eq!(offer(&pair, &[event(user, 1, 1)]).await, [Published::Accepted]);
    assert_eq!(pair.effects(user), [1, 2]);
    pair.stop().await;
}
