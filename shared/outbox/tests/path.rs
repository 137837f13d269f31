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
#[path = "path/place.rs"]
mod place;
#[path = "path/plans.rs"]
mod plans;
#[path = "path/script.rs"]
mod script;
#[path = "path/table.rs"]
mod table;
#[path = "path/thief.rs"]
mod thief;

use alive::a_relay_that_panics_begins_again_and_is_seen_to;
use bus::{EventBus, Published};
use chrono::TimeDelta;
use contracts::{Envelope, EventId, NewEnvelope, UserId};
use db::Context;
use futures_util::future::join_all;
use outbox::{unfinished, unpublished};
use pair::Pair;
use place::Kind;
use script::{Mood, created, emit_one};
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

#[path = "path/failures.rs"]
mod failures;
#[path = "path/newcomers.rs"]
mod newcomers;
#[path = "path/repair.rs"]
mod repair;
#[path = "path/restored.rs"]
mod restored;
#[path = "path/together.rs"]
mod together;
#[path = "path/trouble.rs"]
mod trouble;

on_both_databases! {
    what_is_emitted_is_heard_once_and_in_order,
    sixty_four_writers_of_one_aggregate_leave_no_hole_and_no_repeat,
    shuffled_and_repeated_deliveries_have_one_effect_each_in_order,
    a_consumer_that_comes_later_has_missed_nothing,
    streams_that_began_anew_do_not_stand_before_others,
    a_clock_that_steps_back_holds_up_nothing_and_changes_no_order,
    a_stream_that_begins_anew_is_parked_and_not_taken_for_a_duplicate,
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
