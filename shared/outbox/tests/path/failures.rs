//! A listener that fails: tried again, given up, brought on or passed, and nobody else is held up.

use super::*;
use outbox::{DeadLetterError, OnDead, replay, skip};

on_both_databases! {
    a_listener_that_fails_is_tried_again_and_holds_up_nobody_else,
    after_twelve_attempts_an_event_is_dead_and_a_replay_lets_all_behind_it_through,
    a_permanent_failure_is_dead_at_once_and_a_skip_passes_it,
    under_the_policy_skip_a_dead_event_holds_up_nobody_and_can_be_replayed_late,
    a_panic_and_a_hang_are_failures_like_any_other,
    a_payload_that_does_not_decode_is_dead_at_once,
    trouble_with_one_row_keeps_no_other_from_being_worked,
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
    pair.eventually("the event is not given up, or those behind it do not come", async || {
        pair.advance(TimeDelta::minutes(11));
        let rows = unfinished(&pair.task, "task").await.unwrap();
        rows.len() == 5 && rows.iter().any(|row| row.dead && row.attempts == 12)
    })
    .await;
    assert!(pair.effects(user).await.is_empty());
    let rows = unfinished(&pair.task, "task").await.unwrap();
    let given_up = rows.iter().find(|row| row.dead).unwrap();
    assert_eq!(given_up.last_error.as_deref(), Some("not yet"));
    let dead = EventId(given_up.event_id);
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
