//! What an event comes to, on every pair of bus and database. Rule: one source of cases; the pairs are data, and a pair
//! that needs a case of its own has broken the promise.

mod effect;
mod process;

use contracts::{Envelope, EventId, NewEnvelope};
use futures_util::future::join_all;
use process::{ALL, Mood, Stage, notification, task, user};
use serde_json::value::to_raw_value;
use std::collections::BTreeSet;
use std::time::Duration;
use testkit::Topology;
use testkit::conformance::Published;
use uuid::Uuid;

const SOON: Duration = Duration::from_secs(30);

/// The pairs, and a test of each case on each of them.
macro_rules! on_every_pair {
    ($($case:ident),+ $(,)?) => {
        on_every_pair!(@pair in_process_sqlite, EMBEDDED, $($case),+);
        on_every_pair!(@pair in_process_postgresql, MONOLITH_PG, $($case),+);
        on_every_pair!(@pair rabbitmq_sqlite, EMBEDDED_RABBIT, $($case),+);
        on_every_pair!(@pair rabbitmq_postgresql, MONOLITH_RABBIT, $($case),+);
        const PAIRS: [&Topology; 4] =
            [&in_process_sqlite::PAIR, &in_process_postgresql::PAIR, &rabbitmq_sqlite::PAIR, &rabbitmq_postgresql::PAIR];
    };
    (@pair $pair:ident, $topology:ident, $($case:ident),+) => {
        mod $pair {
            pub const PAIR: testkit::Topology = testkit::Topology::$topology;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                if let Some(stage) = super::Stage::of(&PAIR).await {
                    super::$case(stage).await;
                }
            })+
        }
    };
}

on_every_pair! {
    everybody_hears_every_event_of_his_streams_in_order,
    what_nobody_hears_is_published_all_the_same,
    a_listener_that_refuses_is_tried_again_and_holds_up_nobody_else,
    what_comes_too_early_is_parked_until_its_turn,
    what_is_delivered_twice_has_one_effect,
    a_process_that_is_killed_in_a_delivery_gets_it_again_after_its_restart,
    a_listener_that_panics_costs_its_own_aggregate_a_try,
    a_slow_listener_loses_nothing_and_one_that_hangs_is_tried_again,
    leaving_in_the_middle_finishes_what_is_under_way_and_leaves_the_rest,
}

#[test]
fn every_pair_of_a_bus_and_a_database_is_there() {
    let pair = |topology: &Topology| format!("{:?} on {:?}", topology.carrier, topology.databases);
    let alone = Topology::ALL.iter().filter(|topology| topology.processes.is_empty());
    assert_eq!(PAIRS.map(pair).into_iter().collect::<BTreeSet<_>>(), alone.map(pair).collect());
}

fn somebody(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

/// An event of a user that no outbox holds.
fn envelope(subject: Uuid, sequence: i64) -> Envelope {
    Envelope::new(NewEnvelope {
        id: EventId(Uuid::from_u128(subject.as_u128() * 1_000 + u128::try_from(sequence).unwrap())),
        domain: "user",
        aggregate: "user",
        aggregate_id: subject,
        event_type: "user.created.v1".to_owned(),
        time: "2026-01-01T00:00:00Z".parse().unwrap(),
        correlation_id: None,
        causation_id: None,
        traceparent: None,
        sequence,
        stream_epoch: 1,
        auth_id: None,
        data: to_raw_value(&user(subject)).unwrap(),
    })
}

async fn everybody_hears_every_event_of_his_streams_in_order(stage: Stage) {
    let process = stage.process().await;
    let users: Vec<Uuid> = (1..=10).map(somebody).collect();
    join_all(users.chunks(1).map(|one| process.emit_users(one, 1..=10))).await;
    let assigned = somebody(50);
    for seq in 1..=3 {
        process.emit("task", task(assigned), assigned, seq).await;
    }
    for subject in &users {
        process.has_heard("task", *subject, 10).await;
        process.has_heard("notification", *subject, 10).await;
    }
    process.has_heard("notification", assigned, 3).await;
    for domain in ALL {
        process.has_published(domain).await;
    }
    assert_eq!(process.effects("task", assigned).await, Vec::<i64>::new(), "the task domain does not hear tasks");
    assert_eq!(process.bus.as_ref().unwrap().status().trouble, None);
    process.stop().await;
}

async fn what_nobody_hears_is_published_all_the_same(stage: Stage) {
    let process = stage.process().await;
    let (unheard, heard) = (somebody(1), somebody(2));
    for seq in 1..=5 {
        process.emit("notification", notification(unheard), unheard, seq).await;
    }
    process.has_published("notification").await;
    process.emit("task", task(heard), heard, 1).await;
    process.has_heard("notification", heard, 1).await;
    for consumer in ["task", "notification"] {
        let heads = outbox::heads(process.db(consumer), consumer).await.unwrap();
        assert!(heads.iter().all(|head| head.source != "notification"), "{consumer}: {heads:?}");
    }
    process.stop().await;
}

async fn a_listener_that_refuses_is_tried_again_and_holds_up_nobody_else(stage: Stage) {
    let process = stage.process().await;
    let (poison, well) = (somebody(1), somebody(2));
    stage.mood(poison, Some(Mood::Refuses));
    process.emit_users(&[poison, well], 1..=3).await;
    process.has_heard("task", well, 3).await;
    for failed in 1..=3 {
        process.keeps("task", "a failed try", |rows| rows.iter().any(|row| row.attempts == failed)).await;
        assert_eq!(process.effects("task", poison).await, Vec::<i64>::new(), "a failed try leaves nothing");
        if failed == 3 {
            stage.mood(poison, None);
        }
        process.advance(30);
    }
    process.has_heard("task", poison, 3).await;
    process.keeps("task", "nothing is left", <[_]>::is_empty).await;
    process.stop().await;
}

async fn what_comes_too_early_is_parked_until_its_turn(stage: Stage) {
    let process = stage.process().await;
    let subject = somebody(1);
    let bus = process.bus.clone().unwrap();
    let early = [envelope(subject, 3), envelope(subject, 2)];
    assert_eq!(bus.publish_batch(&early, SOON).await, [Published::Accepted, Published::Accepted]);
    process.keeps("task", "both are parked", |rows| rows.len() == 2 && rows.iter().all(|row| row.attempts == 0)).await;
    assert_eq!(process.effects("task", subject).await, Vec::<i64>::new());
    assert_eq!(bus.publish_batch(&[envelope(subject, 1)], SOON).await, [Published::Accepted]);
    process.has_heard("task", subject, 3).await;
    process.has_heard("notification", subject, 3).await;
    drop(bus);
    process.stop().await;
}

async fn what_is_delivered_twice_has_one_effect(stage: Stage) {
    let process = stage.process().await;
    let (users, marker): (Vec<Uuid>, Uuid) = ((1..=3).map(somebody).collect(), somebody(9));
    process.emit_users(&users, 1..=4).await;
    process.has_published("user").await;
    for round in 1..=2 {
        process.offer_again("user").await;
        process.has_published("user").await;
        // Behind the copies, in the same queue.
        process.emit_users(&[marker], round..=round).await;
        for consumer in ["task", "notification"] {
            process.has_heard(consumer, marker, round).await;
        }
    }
    process.stop().await;
    let process = stage.process().await;
    for subject in users {
        process.has_heard("task", subject, 4).await;
        process.has_heard("notification", subject, 4).await;
    }
    process.stop().await;
}

async fn a_process_that_is_killed_in_a_delivery_gets_it_again_after_its_restart(stage: Stage) {
    let process = stage.process().await;
    let (stuck, other) = (somebody(1), somebody(2));
    process.emit_users(&[stuck, other], 1..=2).await;
    process.has_heard("task", stuck, 2).await;
    stage.mood(stuck, Some(Mood::Waits));
    process.emit_users(&[stuck, other], 3..=6).await;
    stage.somebody_waits().await;
    process.crash();
    stage.mood(stuck, None);
    let process = stage.process().await;
    for subject in [stuck, other] {
        process.has_heard("task", subject, 6).await;
        process.has_heard("notification", subject, 6).await;
    }
    process.has_published("user").await;
    process.keeps("task", "nothing is left", <[_]>::is_empty).await;
    process.stop().await;
}

async fn a_listener_that_panics_costs_its_own_aggregate_a_try(stage: Stage) {
    let process = stage.process().await;
    let (panics, well) = (somebody(1), somebody(2));
    stage.mood(panics, Some(Mood::Panics));
    process.emit_users(&[panics, well], 1..=3).await;
    process.has_heard("task", well, 3).await;
    let failed = process.keeps("task", "a failed try", |rows| rows.iter().any(|row| row.attempts == 1)).await;
    let said = failed.iter().find(|row| row.attempts == 1).unwrap().last_error.clone();
    assert!(said.is_some_and(|said| said.contains("panicked")), "{failed:?}");
    stage.mood(panics, None);
    process.advance(30);
    process.has_heard("task", panics, 3).await;
    process.has_heard("notification", well, 3).await;
    process.stop().await;
}

async fn a_slow_listener_loses_nothing_and_one_that_hangs_is_tried_again(mut stage: Stage) {
    stage.listener_deadline = Duration::from_millis(400);
    let process = stage.process().await;
    let (slow, hangs, well) = (somebody(1), somebody(2), somebody(3));
    stage.mood(slow, Some(Mood::Slow(Duration::from_millis(20))));
    stage.mood(hangs, Some(Mood::Waits));
    process.emit_users(&[slow, hangs, well], 1..=3).await;
    let failed = process.keeps("task", "a failed try", |rows| rows.iter().any(|row| row.attempts == 1)).await;
    let said = failed.iter().find(|row| row.attempts == 1).unwrap().last_error.clone();
    assert!(said.is_some_and(|said| said.contains("400 ms")), "{failed:?}");
    process.has_heard("task", slow, 3).await;
    process.has_heard("task", well, 3).await;
    assert_eq!(process.effects("task", hangs).await, Vec::<i64>::new());
    stage.mood(hangs, None);
    process.advance(30);
    process.has_heard("task", hangs, 3).await;
    process.stop().await;
}

async fn leaving_in_the_middle_finishes_what_is_under_way_and_leaves_the_rest(stage: Stage) {
    let process = stage.process().await;
    let subject = somebody(1);
    stage.mood(subject, Some(Mood::Waits));
    process.emit_users(&[subject], 1..=8).await;
    stage.somebody_waits().await;
    let leaving = tokio::spawn(process.stop());
    tokio::task::yield_now().await;
    assert!(!leaving.is_finished(), "it waits for the delivery");
    stage.let_go();
    leaving.await.unwrap();
    let process = stage.process().await;
    for consumer in ["task", "notification"] {
        process.has_heard(consumer, subject, 8).await;
        process.keeps(consumer, "nothing is left", <[_]>::is_empty).await;
    }
    process.stop().await;
}
