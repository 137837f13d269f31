//! The path of an event, from the writer's commit to the listener's: order, exactly one effect, failures that delay
//! nobody else.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at what it did not expect"
)]

#[path = "path/alive.rs"]
mod alive;
#[path = "path/lease.rs"]
mod lease;
#[path = "path/ops.rs"]
mod ops;
#[path = "path/pair.rs"]
mod pair;
#[path = "path/plans.rs"]
mod plans;
#[path = "path/thief.rs"]
mod thief;

use alive::a_relay_that_panics_begins_again_and_is_seen_to;
use bus::{EventBus, Published};
use chrono::TimeDelta;
use contracts::{Envelope, EventId, NewEnvelope, UserId};
use db::Context;
use futures_util::future::join_all;
use outbox::{DeadLetterError, OnDead, replay, skip, unfinished, unpublished};
use pair::{Kind, Mood, Pair, created, emit_one};
use serde_json::value::to_raw_value;
use std::time::Duration;
use uuid::Uuid;

/// Makes each test twice.
macro_rules! on_both_databases {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(super::Kind::Sqlite).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(super::Kind::Postgres).await;
            })+
        }
    };
}

#[path = "path/repair.rs"]
mod repair;
#[path = "path/restored.rs"]
mod restored;

on_both_databases! {
    what_is_emitted_is_heard_once_and_in_order,
    sixty_four_writers_of_one_aggregate_leave_no_hole_and_no_repeat,
    shuffled_and_repeated_deliveries_have_one_effect_each_in_order,
    a_listener_that_fails_is_tried_again_and_holds_up_nobody_else,
    after_twelve_attempts_an_event_is_dead_and_a_replay_lets_all_behind_it_through,
    a_permanent_failure_is_dead_at_once_and_a_skip_passes_it,
    under_the_policy_skip_a_dead_event_holds_up_nobody_and_can_be_replayed_late,
    a_panic_and_a_hang_are_failures_like_any_other,
    a_consumer_that_comes_later_has_missed_nothing,
    streams_that_began_anew_do_not_stand_before_others,
    a_clock_that_steps_back_holds_up_nothing_and_changes_no_order,
    trouble_with_one_row_keeps_no_other_from_being_worked,
    a_stream_that_begins_anew_is_parked_and_not_taken_for_a_duplicate,
    a_payload_that_does_not_decode_is_dead_at_once,
    a_blanked_event_counts_as_handled,
    without_the_wake_up_polling_alone_moves_events,
    what_is_done_is_purged_and_still_known_as_a_duplicate,
    a_relay_that_panics_begins_again_and_is_seen_to,
}

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

async fn what_is_emitted_is_heard_once_and_in_order(kind: Kind) {
    let Some(mut pair) = Pair::started(kind).await else { return };
    let users: Vec<UserId> = (1..=20).map(somebody).collect();
    join_all(users.iter().map(|user| pair.emit(*user, 10))).await;
    for user in &users {
        pair.heard(*user, 10).await;
        assert_eq!(pair.effects(*user).await, [1, 2, 4, 5, 7, 8, 10], "without those that nobody listens to");
    }
    pair.still_unpublished(0).await;
    pair.stop().await;
}

async fn sixty_four_writers_of_one_aggregate_leave_no_hole_and_no_repeat(kind: Kind) {
    let Some(mut pair) = Pair::started(kind).await else { return };
    let user = somebody(1);
    let context = Context::default();
    let writers = (0..64).map(|_| pair.user.write(&context, &user, emit_one));
    join_all(writers).await.into_iter().for_each(|written| written.unwrap());
    pair.heard(user, 64).await;
    let sequences = pair.place.column("user", "SELECT aggregate_seq FROM outbox ORDER BY id").await;
    assert_eq!(sequences, (1..=64).collect::<Vec<i64>>());
    pair.stop().await;
}

async fn shuffled_and_repeated_deliveries_have_one_effect_each_in_order(kind: Kind) {
    let Some(mut pair) = Pair::new(kind).await else { return };
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
        assert_eq!(pair.effects(*user).await, [1, 2, 3, 4, 5, 6, 7, 8]);
    }
    assert!(unfinished(&pair.task, "task").await.unwrap().is_empty());
    pair.stop().await;
}

async fn a_listener_that_fails_is_tried_again_and_holds_up_nobody_else(kind: Kind) {
    let Some(mut pair) = Pair::started(kind).await else { return };
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
        assert!(pair.effects(poison).await.is_empty(), "a failed attempt leaves nothing");
        pair.advance(TimeDelta::seconds(10));
    }
    pair.heard(poison, 2).await;
    assert_eq!(pair.effects(poison).await, [1, 2]);
    assert_eq!(pair.running[1].health().await.unwrap().failing, 0);
    pair.stop().await;
}

async fn after_twelve_attempts_an_event_is_dead_and_a_replay_lets_all_behind_it_through(kind: Kind) {
    let Some(mut pair) = Pair::started(kind).await else { return };
    let user = somebody(1);
    pair.mood(user, Some(Mood::Fails(u32::MAX)));
    pair.emit(user, 5).await;
    pair.eventually("the event is not given up", async || {
        pair.advance(TimeDelta::minutes(11));
        unfinished(&pair.task, "task").await.unwrap().iter().any(|row| row.dead && row.attempts == 12)
    })
    .await;
    assert!(pair.effects(user).await.is_empty());
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
    assert_eq!(pair.effects(user).await, [1, 2, 4, 5]);
    assert!(matches!(replay(&pair.task, "task", dead).await, Err(DeadLetterError::NotDead)));
    assert!(matches!(skip(&pair.task, "task", behind).await, Err(DeadLetterError::NotDead)));
    assert!(matches!(skip(&pair.task, "task", EventId(Uuid::nil())).await, Err(DeadLetterError::NotFound)));
    pair.stop().await;
}

async fn a_permanent_failure_is_dead_at_once_and_a_skip_passes_it(kind: Kind) {
    let Some(mut pair) = Pair::started(kind).await else { return };
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
    assert_eq!(pair.effects(user).await, [2], "the skipped one has no effect, the one behind it has");
    pair.stop().await;
}

async fn under_the_policy_skip_a_dead_event_holds_up_nobody_and_can_be_replayed_late(kind: Kind) {
    let Some(mut pair) = Pair::new(kind).await else { return };
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
    assert_eq!(pair.effects(user).await, [2]);
    let dead = EventId(unfinished(&pair.task, "task").await.unwrap()[0].event_id);
    replay(&pair.task, "task", dead).await.unwrap();
    pair.advance(TimeDelta::seconds(1));
    pair.eventually("the replay has no effect", async || pair.effects(user).await == [2, 1]).await;
    assert!(unfinished(&pair.task, "task").await.unwrap().is_empty());
    pair.stop().await;
}

async fn a_panic_and_a_hang_are_failures_like_any_other(kind: Kind) {
    for mood in [Mood::Panics, Mood::Hangs] {
        let Some(mut pair) = Pair::started(kind).await else { return };
        let (poison, well) = (somebody(1), somebody(2));
        pair.mood(poison, Some(mood));
        pair.emit(poison, 1).await;
        pair.emit(well, 1).await;
        pair.heard(well, 1).await;
        pair.eventually("the failure is not noted", async || {
            unfinished(&pair.task, "task").await.unwrap().first().is_some_and(|row| row.attempts == 1)
        })
        .await;
        assert!(pair.effects(poison).await.is_empty(), "{mood:?}");
        pair.mood(poison, None);
        pair.advance(TimeDelta::seconds(10));
        pair.heard(poison, 1).await;
        pair.stop().await;
    }
}

async fn a_consumer_that_comes_later_has_missed_nothing(kind: Kind) {
    let Some(mut pair) = Pair::new(kind).await else { return };
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
    assert_eq!(pair.effects(user).await, [1, 2, 4]);
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_of_a_process_that_does_not_lead_wakes_the_relay_that_does() {
    let Some(mut pair) = Pair::new(Kind::Postgres).await else { return };
    pair.tuning.polling = false;
    pair.start_publisher().await;
    pair.start_consumer().await;
    let other = db::Db::open(pair.place.options("user")).await.unwrap();
    let user = somebody(1);
    // Its clock is not the pair's, which stands still.
    pair.advance(TimeDelta::days(3_650));
    for seq in 1..=5 {
        other.write(&Context::default(), &user, emit_one).await.unwrap();
        pair.heard(user, seq).await;
    }
    assert_eq!(pair.effects(user).await, [1, 2, 4, 5]);
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_on_one_database_work_each_event_once_and_in_order() {
    let Some(mut pair) = Pair::new(Kind::Postgres).await else { return };
    let mut twin = pair.twin().await;
    for process in [&mut pair, &mut twin] {
        process.start_publisher().await;
        process.start_consumer().await;
    }
    let users: Vec<UserId> = (1..=10).map(somebody).collect();
    join_all(users.iter().flat_map(|user| [pair.emit(*user, 5), twin.emit(*user, 5)])).await;
    for user in &users {
        pair.heard(*user, 10).await;
        assert_eq!(pair.effects(*user).await, [1, 2, 4, 5, 7, 8, 10]);
    }
    assert!(unfinished(&pair.task, "task").await.unwrap().is_empty());
    pair.stop().await;
    twin.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_its_sessions_are_killed_nothing_is_lost_and_nothing_happens_twice() {
    const KILL_ALL: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let Some(mut pair) = Pair::started(Kind::Postgres).await else { return };
    let users: Vec<UserId> = (1..=5).map(somebody).collect();
    let mut kills = tokio::time::interval(Duration::from_millis(30));
    let mut emitted = vec![0_i64; users.len()];
    for round in 0..40 {
        for (user, emitted) in users.iter().zip(&mut emitted) {
            match pair.user.write(&Context::default(), user, emit_one).await {
                Ok(()) => *emitted += 1,
                Err(error) => assert!(error.is_infrastructure(), "{error:?}"),
            }
        }
        if round % 4 == 0 {
            kills.tick().await;
            pair.place.column("user", KILL_ALL).await;
        }
    }
    for (user, emitted) in users.iter().zip(&emitted) {
        let last = format!("SELECT max(aggregate_seq) FROM outbox WHERE aggregate_id = '{user}'");
        let last = pair.place.column("user", &last).await[0];
        assert!(last >= *emitted, "an acknowledged event is missing");
        pair.heard(*user, last).await;
        let expected: Vec<i64> = (1..=last).filter(|seq| seq % 3 != 0).collect();
        assert_eq!(pair.effects(*user).await, expected);
    }
    let rows = unfinished(&pair.task, "task").await.unwrap();
    assert!(rows.is_empty(), "trouble of the database is no attempt: {rows:?}");
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_in_trouble_costs_no_attempt_and_loses_nothing() {
    let Some(mut pair) = Pair::started(Kind::Sqlite).await else { return };
    let stranger = rusqlite::Connection::open(pair.place.file("task")).unwrap();
    stranger.execute_batch("BEGIN IMMEDIATE").unwrap();
    let user = somebody(1);
    pair.emit(user, 2).await;
    pair.eventually("the trouble is not seen", async || pair.task.trouble().is_some()).await;
    assert_eq!(unpublished(&pair.user).await.unwrap(), 2);
    stranger.execute_batch("ROLLBACK").unwrap();
    pair.heard(user, 2).await;
    assert_eq!(pair.effects(user).await, [1, 2]);
    assert!(unfinished(&pair.task, "task").await.unwrap().is_empty());
    pair.stop().await;
}

async fn a_stream_that_begins_anew_is_parked_and_not_taken_for_a_duplicate(kind: Kind) {
    let Some(mut pair) = Pair::new(kind).await else { return };
    pair.start_consumer().await;
    let user = somebody(1);
    assert_eq!(offer(&pair, &[event(user, 1, 1)]).await, [Published::Accepted]);
    let mut restored = event(user, 2, 2);
    restored.id = EventId(Uuid::from_u128(99));
    assert_eq!(offer(&pair, &[restored]).await, [Published::Accepted]);
    assert_eq!(unfinished(&pair.task, "task").await.unwrap().len(), 1);
    assert_eq!(pair.effects(user).await, [1]);
    pair.stop().await;
}

async fn streams_that_began_anew_do_not_stand_before_others(kind: Kind) {
    let Some(mut pair) = Pair::new(kind).await else { return };
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

async fn a_clock_that_steps_back_holds_up_nothing_and_changes_no_order(kind: Kind) {
    let Some(mut pair) = Pair::new(kind).await else { return };
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
        assert_eq!(pair.effects(user).await, [1, 2]);
    }
    pair.heard(failing, 1).await;
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_row_holds_up_its_own_aggregate_and_nobody_else() {
    let Some(mut pair) = Pair::new(Kind::Sqlite).await else { return };
    let (damaged, well) = (somebody(1), somebody(2));
    pair.emit(damaged, 2).await;
    pair.emit(well, 1).await;
    let file = rusqlite::Connection::open(pair.place.file("user")).unwrap();
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
    let file = rusqlite::Connection::open(pair.place.file("task")).unwrap();
    file.execute("UPDATE inbox SET headers = '{' WHERE aggregate_id = ?", [damaged.to_string()]).unwrap();
    pair.advance(TimeDelta::seconds(10));
    pair.heard(well, 1).await;
    pair.eventually("the damaged row is not dead", async || {
        unfinished(&pair.task, "task").await.unwrap().first().is_some_and(|row| row.dead)
    })
    .await;
    pair.stop().await;
}

async fn trouble_with_one_row_keeps_no_other_from_being_worked(kind: Kind) {
    let Some(mut pair) = Pair::new(kind).await else { return };
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

async fn a_payload_that_does_not_decode_is_dead_at_once(kind: Kind) {
    let Some(mut pair) = Pair::new(kind).await else { return };
    pair.start_consumer().await;
    let mut lossy = event(somebody(1), 1, 1);
    lossy.data = to_raw_value(&serde_json::json!({"user_id": somebody(1)})).unwrap();
    assert_eq!(offer(&pair, &[lossy]).await, [Published::Accepted]);
    let rows = unfinished(&pair.task, "task").await.unwrap();
    assert!(rows[0].dead && rows[0].last_error.as_ref().unwrap().contains("does not decode"), "{rows:?}");
    pair.stop().await;
}

async fn a_blanked_event_counts_as_handled(kind: Kind) {
    let Some(mut pair) = Pair::new(kind).await else { return };
    pair.start_consumer().await;
    let user = somebody(1);
    let mut blank = event(user, 1, 1);
    blank.data = serde_json::from_str(contracts::ERASED).unwrap();
    assert_eq!(offer(&pair, &[blank, event(user, 2, 1)]).await, [Published::Accepted, Published::Accepted]);
    pair.heard(user, 2).await;
    assert_eq!(pair.effects(user).await, [2]);
    pair.stop().await;
}

async fn without_the_wake_up_polling_alone_moves_events(kind: Kind) {
    let Some(mut pair) = Pair::new(kind).await else { return };
    pair.tuning.poll = (Duration::from_millis(5), Duration::from_millis(20));
    // Nothing has emitted through this handle, so nobody is told.
    pair.start_publisher().await;
    pair.start_consumer().await;
    let user = somebody(1);
    let mut options = pair.place.options("user");
    options.wake_up = false;
    let silent = db::Db::open(options).await.unwrap();
    silent.write(&Context::default(), &user, emit_one).await.unwrap();
    pair.advance(TimeDelta::days(3_650));
    pair.heard(user, 1).await;
    pair.stop().await;
}

async fn what_is_done_is_purged_and_still_known_as_a_duplicate(kind: Kind) {
    let Some(mut pair) = Pair::started(kind).await else { return };
    let user = somebody(1);
    pair.emit(user, 2).await;
    pair.heard(user, 2).await;
    pair.advance(TimeDelta::days(40));
    let before = "2026-01-08T00:00:00Z".parse().unwrap();
    assert_eq!(outbox::purge(&pair.task, before).await.unwrap(), 2);
    assert_eq!(outbox::purge(&pair.task, before).await.unwrap(), 0);
    assert_eq!(offer(&pair, &[event(user, 1, 1)]).await, [Published::Accepted]);
    assert_eq!(pair.effects(user).await, [1, 2]);
    pair.stop().await;
}
