//! What a consumer was not there for.

use super::repair::{SOON, STATE, minute};
use super::*;
use crate::thief::Thief;
use outbox::retire;

on_both_databases! {
    a_consumer_that_is_added_later_knows_all_and_is_told_nothing,
    a_consumer_that_was_away_for_long_is_told_what_is_now_and_what_went,
    an_event_that_came_is_not_swallowed_by_what_came_behind_it,
    a_new_system_loses_no_first_event,
}

async fn a_consumer_that_is_added_later_knows_all_and_is_told_nothing(kind: Kind) {
    let Some(mut pair) = Pair::new(kind).await else { return };
    pair.bus = Thief::new(&["user"]);
    pair.start_publisher().await;
    let (old, gone, new) = (somebody(1), somebody(2), somebody(3));
    // More than a page of them.
    let many: Vec<UserId> = (1_000..1_120).map(somebody).collect();
    pair.emit(old, 3).await;
    pair.emit(gone, 2).await;
    for some in many.chunks(20) {
        join_all(some.iter().map(|user| pair.emit(*user, 1))).await;
    }
    pair.forget(gone).await;
    pair.still_unpublished(0).await;
    pair.stop().await;
    pair.advance(TimeDelta::days(365));
    assert_eq!(retire(&pair.user, pair.now() - TimeDelta::days(30)).await.unwrap(), 125);

    // A year later. What was not published yet goes to the newcomer, and is not swallowed.
    pair.emit(old, 1).await;
    pair.emit(new, 1).await;
    pair.bus = Thief::new(&["user", "task"]);
    pair.start_publisher().await;
    pair.start_consumer().await;
    pair.running[1].joined(SOON).await;
    for user in &many {
        assert_eq!(pair.effects(*user).await, [STATE + 1]);
    }
    pair.heard(old, 4).await;
    pair.heard(new, 1).await;
    pair.emit(old, 1).await;
    pair.emit(new, 1).await;
    pair.heard(old, 5).await;
    pair.heard(new, 2).await;

    // It is not given the same again.
    pair.stop().await;
    pair.advance(minute());
    pair.start_publisher().await;
    pair.start_consumer().await;
    pair.running[1].joined(SOON).await;
    pair.advance(minute());
    assert_eq!(pair.effects(old).await, [STATE + 3, 4, 5]);
    assert_eq!(pair.effects(new).await, [1, 2]);
    assert!(pair.effects(gone).await.is_empty());
    pair.stop().await;
}

async fn a_consumer_that_was_away_for_long_is_told_what_is_now_and_what_went(kind: Kind) {
    let Some(mut pair) = Pair::started(kind).await else { return };
    let (old, gone) = (somebody(1), somebody(2));
    pair.emit(old, 1).await;
    pair.emit(gone, 1).await;
    pair.heard(old, 1).await;
    pair.heard(gone, 1).await;
    pair.stop().await;
    // For a while it is not mounted, and the publisher starts without it.
    pair.bus = Thief::new(&["user"]);
    pair.start_publisher().await;
    pair.emit(old, 3).await;
    pair.emit(gone, 3).await;
    pair.forget(gone).await;
    pair.still_unpublished(0).await;
    pair.stop().await;
    pair.advance(TimeDelta::days(1));
    pair.bus = Thief::new(&["user", "task"]);
    pair.start_publisher().await;
    pair.start_consumer().await;
    pair.heard(old, 4).await;
    // The last event of what is no more says so; what came before it is no news any more.
    pair.heard(gone, 4).await;
    assert_eq!(pair.effects(old).await, [1, STATE + 4]);
    assert_eq!(pair.effects(gone).await, [1, 4]);
    pair.stop().await;
}

async fn an_event_that_came_is_not_swallowed_by_what_came_behind_it(kind: Kind) {
    let Some(mut pair) = Pair::new(kind).await else { return };
    pair.bus = Thief::new(&["user"]);
    pair.start_publisher().await;
    let user = somebody(1);
    pair.emit(user, 5).await;
    pair.still_unpublished(0).await;
    pair.stop().await;
    pair.advance(TimeDelta::days(2));
    // The broker routed one event before anybody noted that there is a consumer.
    pair.bus = Thief::new(&["user", "task"]);
    pair.start_consumer().await;
    assert_eq!(offer(&pair, &[event(user, 4, 1)]).await, [Published::Accepted]);
    pair.start_publisher().await;
    pair.running[0].joined(SOON).await;
    pair.heard_in_time(&[user], 5).await;
    assert_eq!(pair.effects(user).await, [STATE + 3, 4, STATE + 5]);
    pair.stop().await;
}

async fn a_new_system_loses_no_first_event(kind: Kind) {
    let Some(mut pair) = Pair::new(kind).await else { return };
    let (before, during) = (somebody(1), somebody(2));
    pair.emit(before, 1).await;
    pair.start_publisher().await;
    pair.emit(during, 1).await;
    pair.start_consumer().await;
    pair.running[1].joined(SOON).await;
    pair.heard(before, 1).await;
    pair.heard(during, 1).await;
    assert_eq!((pair.effects(before).await, pair.effects(during).await), (vec![1], vec![1]), "as events, once");
    pair.stop().await;
}
