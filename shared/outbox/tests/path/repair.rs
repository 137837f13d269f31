//! What a bus lost, and what is known of it later.

use super::*;
use contracts::{Control, Gone, Head, Heads, Snapshot, Snapshots};
use outbox::ops::{self, Window};
use outbox::retire;
use serde_json::json;

on_both_databases! {
    a_stolen_event_is_asked_for_and_heard_in_its_place,
    a_stolen_last_event_is_noticed_without_a_later_one,
    a_stolen_last_event_is_noticed_however_many_were_published_at_its_instant,
    two_processes_that_miss_the_same_repair_it_once,
    for_what_is_kept_no_more_the_aggregate_comes_as_it_is,
    what_was_about_nothing_that_still_is_holds_up_nothing,
    a_gap_that_nobody_can_fill_is_passed_once_and_noted,
    a_publisher_that_comes_back_tells_of_its_last_two_minutes,
    messages_that_come_late_or_twice_change_nothing,
    what_was_published_long_ago_goes_and_stays_known,
}

pub(super) const SOON: Duration = Duration::from_secs(60);
/// What the listener of snapshots leaves: the sequence and this.
pub(super) const STATE: i64 = 1_000;

pub(super) fn minute() -> TimeDelta {
    TimeDelta::seconds(61)
}

/// What a consumer went on without, in order.
async fn lost(pair: &Pair) -> Vec<(String, String)> {
    let entries = ops::audited(&pair.task, Window { behind: None, limit: 100 }).await.unwrap();
    let lost = entries.into_iter().rev().filter(|entry| entry.action == "lost");
    lost.map(|entry| (entry.actor_id, entry.target)).collect()
}

fn passed(user: UserId, from: i64, to: i64) -> (String, String) {
    ("nobody".to_owned(), format!("task/user.user/{user}/{from}-{to}"))
}

async fn a_stolen_event_is_asked_for_and_heard_in_its_place(kind: Kind) {
    let Some(mut pair) = Pair::started(kind).await else { return };
    let (robbed, well) = (somebody(1), somebody(2));
    pair.bus.steal(robbed, 2);
    pair.bus.steal(robbed, 5);
    pair.emit(robbed, 7).await;
    pair.emit(well, 7).await;
    pair.heard(well, 7).await;
    pair.still_unpublished(0).await;
    assert_eq!(pair.effects(robbed).await, [1], "what is behind it waits");
    pair.heard_in_time(&[robbed], 7).await;
    assert_eq!(pair.effects(robbed).await, [1, 2, 4, 5, 7]);
    assert_eq!(pair.effects(well).await, [1, 2, 4, 5, 7], "nothing twice");
    pair.stop().await;
}

async fn a_stolen_last_event_is_noticed_without_a_later_one(kind: Kind) {
    let Some(mut pair) = Pair::started(kind).await else { return };
    let (robbed, unheard) = (somebody(1), somebody(2));
    pair.bus.steal(robbed, 2);
    pair.bus.steal(unheard, 1);
    pair.emit(robbed, 2).await;
    pair.emit(unheard, 1).await;
    pair.heard(robbed, 1).await;
    pair.still_unpublished(0).await;
    pair.advance(minute());
    pair.heard(robbed, 2).await;
    pair.heard(unheard, 1).await;
    assert_eq!((pair.effects(robbed).await, pair.effects(unheard).await), (vec![1, 2], vec![1]));
    pair.stop().await;
}

/// More than one look at the outbox fetches, all of one instant.
async fn a_stolen_last_event_is_noticed_however_many_were_published_at_its_instant(kind: Kind) {
    let Some(mut pair) = Pair::started(kind).await else { return };
    // Who joins is told of everything.
    pair.running[1].joined(SOON).await;
    let users: Vec<UserId> = (1..=4_100).map(somebody).collect();
    // One alone: who misses something asks for everything.
    let robbed = users[4_099];
    pair.bus.steal(robbed, 1);
    for some in users.chunks(100) {
        join_all(some.iter().map(|user| pair.emit(*user, 1))).await;
    }
    pair.still_unpublished(0).await;
    pair.advance(minute());
    pair.heard(robbed, 1).await;
    assert_eq!(pair.effects(robbed).await, [1]);
    pair.stop().await;
}

async fn two_processes_that_miss_the_same_repair_it_once(kind: Kind) {
    if kind == Kind::Sqlite {
        // A file belongs to one process.
        return;
    }
    let Some(mut pair) = Pair::started(kind).await else { return };
    let mut twin = pair.twin().await;
    twin.start_publisher().await;
    twin.start_consumer().await;
    let users: Vec<UserId> = (1..=20).map(somebody).collect();
    for user in &users {
        for seq in [2, 4] {
            pair.bus.steal(*user, seq);
            twin.bus.steal(*user, seq);
        }
        pair.emit(*user, 4).await;
    }
    twin.running.iter().for_each(outbox::Messaging::wake);
    pair.heard_in_time(&users, 4).await;
    for user in &users {
        assert_eq!(pair.effects(*user).await, [1, 2, 4]);
    }
    twin.stop().await;
    pair.stop().await;
}

async fn for_what_is_kept_no_more_the_aggregate_comes_as_it_is(kind: Kind) {
    let Some(mut pair) = Pair::new(kind).await else { return };
    pair.without_digest();
    pair.start_publisher().await;
    pair.start_consumer().await;
    // Who joins is told how far everything is that is old, too.
    pair.running[1].joined(SOON).await;
    let user = somebody(1);
    pair.bus.steal(user, 2);
    pair.emit(user, 2).await;
    pair.heard(user, 1).await;
    pair.still_unpublished(0).await;
    pair.advance(TimeDelta::days(31));
    assert_eq!(retire(&pair.user, pair.now() - TimeDelta::days(30)).await.unwrap(), 2);
    pair.emit(user, 2).await;
    pair.still_unpublished(0).await;
    pair.advance(minute());
    pair.heard(user, 4).await;
    assert_eq!(pair.effects(user).await, [1, STATE + 2, 4], "up to just before the event that waited");
    assert!(lost(&pair).await.is_empty(), "what is known is not lost");
    pair.stop().await;
}

async fn what_was_about_nothing_that_still_is_holds_up_nothing(kind: Kind) {
    let Some(mut pair) = Pair::new(kind).await else { return };
    pair.without_digest();
    pair.start_publisher().await;
    pair.start_consumer().await;
    // Who joins is told how far everything is that is old, too.
    pair.running[1].joined(SOON).await;
    let user = somebody(1);
    pair.bus.steal(user, 2);
    pair.emit(user, 2).await;
    pair.heard(user, 1).await;
    pair.still_unpublished(0).await;
    pair.advance(TimeDelta::days(31));
    assert_eq!(retire(&pair.user, pair.now() - TimeDelta::days(30)).await.unwrap(), 2);
    pair.emit(user, 2).await;
    pair.forget(user).await;
    pair.still_unpublished(0).await;
    pair.advance(minute());
    pair.heard(user, 4).await;
    assert_eq!(pair.effects(user).await, [1, 4]);
    assert_eq!(lost(&pair).await, [passed(user, 2, 2)]);
    pair.stop().await;
}

async fn a_gap_that_nobody_can_fill_is_passed_once_and_noted(kind: Kind) {
    let Some(mut pair) = Pair::started(kind).await else { return };
    let (robbed, fresh) = (somebody(1), somebody(2));
    pair.emit(robbed, 1).await;
    pair.heard(robbed, 1).await;
    let gone = |user: UserId, to, epoch| {
        let (source, aggregate) = ("user".to_owned(), "user".to_owned());
        Control::Gone(Gone { source, aggregate, id: user.uuid(), to, epoch })
    };
    let tell = async |message| assert_eq!(pair.bus.tell("task", &message, SOON).await, Published::Accepted);
    // One of them waits: it is not passed.
    assert_eq!(offer(&pair, &[event(robbed, 5, 1)]).await, [Published::Accepted]);
    tell(gone(robbed, 7, 1)).await;
    pair.heard(robbed, 5).await;
    // Late, twice, of another epoch; and of something that it never heard of.
    for message in [gone(robbed, 4, 1), gone(robbed, 5, 1), gone(robbed, 9, 2), gone(fresh, 3, 1), gone(fresh, 3, 1)] {
        tell(message).await;
    }
    pair.heard(fresh, 3).await;
    tell(gone(robbed, 6, 1)).await;
    pair.heard(robbed, 6).await;
    assert_eq!((pair.effects(robbed).await, pair.effects(fresh).await), (vec![1, 5], vec![]));
    let all = [passed(robbed, 2, 4), passed(fresh, 1, 3), passed(robbed, 6, 6)];
    assert_eq!(lost(&pair).await, all, "each change has one entry");
    let health = pair.running[1].health().await.unwrap();
    assert_eq!(health.lost, 3, "it is told for a while");
    pair.stop().await;
}

async fn a_publisher_that_comes_back_tells_of_its_last_two_minutes(kind: Kind) {
    let Some(mut pair) = Pair::started(kind).await else { return };
    let user = somebody(1);
    pair.bus.steal(user, 2);
    pair.emit(user, 2).await;
    pair.heard(user, 1).await;
    pair.still_unpublished(0).await;
    // It ends before it has told how far its streams are, and nobody else does it for a day.
    let publisher = pair.running.remove(0);
    publisher.stop_relay().await;
    publisher.stop_inbox().await;
    pair.advance(TimeDelta::days(1));
    assert_eq!(pair.effects(user).await, [1]);
    pair.start_publisher().await;
    pair.heard(user, 2).await;
    assert_eq!(pair.effects(user).await, [1, 2]);
    pair.stop().await;
}

async fn messages_that_come_late_or_twice_change_nothing(kind: Kind) {
    let Some(mut pair) = Pair::started(kind).await else { return };
    let user = somebody(1);
    pair.emit(user, 2).await;
    pair.heard(user, 2).await;
    let names = || ("user".to_owned(), "user".to_owned());
    let snapshots = |seq| {
        let (source, aggregate) = names();
        let living = vec![Snapshot { id: user.uuid(), seq, epoch: 1, data: json!(script::snapshot(user)) }];
        let event_type = "user.snapshot.v1".to_owned();
        Control::Snapshots(Snapshots { source, aggregate, event_type, time: pair.now(), living, page: None })
    };
    let gone = |to| {
        let (source, aggregate) = names();
        Control::Gone(Gone { source, aggregate, id: user.uuid(), to, epoch: 1 })
    };
    let heads = |seq| {
        let (source, aggregate) = names();
        let heads = vec![Head { id: user.uuid(), seq, epoch: 1, routed: true }];
        Control::Heads(Heads { source, aggregate, heads, last: false })
    };
    let late = [snapshots(1), gone(2), heads(2), snapshots(2), snapshots(2), heads(1), snapshots(3), snapshots(3)];
    for message in late {
        assert_eq!(pair.bus.tell("task", &message, SOON).await, Published::Accepted);
    }
    pair.heard(user, 3).await;
    pair.emit(user, 2).await;
    pair.heard(user, 4).await;
    assert_eq!(pair.effects(user).await, [1, 2, STATE + 3, 4]);
    pair.stop().await;
}

async fn what_was_published_long_ago_goes_and_stays_known(kind: Kind) {
    let Some(mut pair) = Pair::new(kind).await else { return };
    pair.start_publisher().await;
    let users: Vec<UserId> = (1..=30).map(somebody).collect();
    join_all(users.iter().map(|user| pair.emit(*user, 50))).await;
    pair.advance(TimeDelta::days(40));
    assert_eq!(retire(&pair.user, pair.now() - TimeDelta::days(30)).await.unwrap(), 0, "nobody has heard of it yet");
    pair.start_consumer().await;
    for user in &users {
        pair.heard(*user, 50).await;
    }
    pair.still_unpublished(0).await;
    assert_eq!(retire(&pair.user, pair.now() - TimeDelta::days(30)).await.unwrap(), 0, "it was published just now");
    let kept = pair.effects(users[0]).await;
    for _ in 0..48 {
        pair.advance(TimeDelta::hours(1));
        assert_eq!(retire(&pair.user, pair.now() - TimeDelta::days(30)).await.unwrap(), 0);
    }
    pair.advance(TimeDelta::days(38));
    assert_eq!(retire(&pair.user, pair.now() - TimeDelta::days(30)).await.unwrap(), 1_500);
    assert_eq!(pair.place.column("user", "SELECT count(*) FROM outbox").await, [0]);
    outbox::purge(&pair.task, pair.now() - TimeDelta::days(7)).await.unwrap();
    assert_eq!(offer(&pair, &[event(users[0], 1, 1), event(users[0], 50, 1)]).await, vec![Published::Accepted; 2]);
    assert_eq!(pair.effects(users[0]).await, kept, "an event of 40 days ago is known");
    pair.stop().await;
}
