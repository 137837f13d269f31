//! A publisher whose database was put back from a backup, and one whose outbox is full.

use super::*;
use db::{DbError, Load};
use outbox::begin_anew;

on_both_databases! {
    a_publisher_that_was_put_back_emits_nothing_until_somebody_decides,
    a_consumer_that_was_away_finds_out_when_it_comes,
    a_full_outbox_refuses_commands_and_takes_them_again_when_it_has_drained,
}

/// What the listener of snapshots leaves: the sequence and this.
const STATE: i64 = 1_000;

/// Whether the publisher refuses to emit, and why.
async fn refusing(pair: &Pair) -> Option<String> {
    pair.running[0].health().await.unwrap().refusing
}

async fn decide(pair: &Pair) -> outbox::BegunAnew {
    // A decision is never of the same instant as what was published before it.
    pair.advance(TimeDelta::seconds(1));
    let begun: Result<_, DbError> = pair.user.write(&Context::default(), &"user", begin_anew).await;
    pair.running.iter().for_each(outbox::Messaging::wake);
    begun.unwrap()
}

/// What is emitted while it is counted counts twice until the next time.
async fn emit_in_time(pair: &Pair, user: UserId, events: usize) {
    for _ in 0..events {
        pair.eventually("it is refused", async || {
            pair.advance(TimeDelta::zero());
            pair.try_emit(user).await.is_ok()
        })
        .await;
    }
}

async fn a_publisher_that_was_put_back_emits_nothing_until_somebody_decides(kind: Kind) {
    let Some(mut pair) = Pair::started(kind).await else { return };
    let (put_back, gone) = (somebody(1), somebody(2));
    pair.emit(put_back, 3).await;
    pair.emit(gone, 1).await;
    pair.heard(put_back, 3).await;
    pair.heard(gone, 1).await;
    pair.still_unpublished(0).await;
    pair.stop().await;

    pair.put_back(put_back, 2).await;
    pair.put_back(gone, 0).await;
    pair.start_publisher().await;
    assert_eq!(refusing(&pair).await, None, "nobody has said anything yet");
    pair.start_consumer().await;
    pair.running[0].checked(Duration::from_secs(20)).await;
    pair.eventually("it emits", async || refusing(&pair).await.is_some_and(|why| why.contains("events restored user")))
        .await;
    let refused = pair.try_emit(put_back).await;
    assert!(matches!(refused, Err(DbError::Refused(_))), "{refused:?}");
    // Neither does a restart make it forget.
    pair.stop().await;
    pair.start_publisher().await;
    assert!(refusing(&pair).await.is_some());
    pair.start_consumer().await;

    let (first, second) = (decide(&pair).await, decide(&pair).await);
    assert_eq!(((first.changed, first.epoch), (second.changed, second.epoch)), ((true, 2), (false, 2)));
    pair.eventually("it still refuses", async || refusing(&pair).await.is_none()).await;
    pair.heard(put_back, 2).await;
    pair.emit(put_back, 2).await;
    pair.heard(put_back, 4).await;
    assert_eq!(pair.effects(put_back).await, [1, 2, STATE + 2, 4], "as it is, and then what is new");
    assert_eq!(pair.effects(gone).await, [1], "it cannot be taken back");

    // Put back once more, to before the decision: a consumer knows the newer epoch.
    pair.stop().await;
    pair.put_back(put_back, 3).await;
    pair.forget_epoch().await;
    pair.start_publisher().await;
    pair.start_consumer().await;
    pair.eventually("it emits", async || refusing(&pair).await.is_some()).await;
    assert_eq!(decide(&pair).await.epoch, 3);
    pair.heard(put_back, 3).await;
    assert_eq!(pair.effects(put_back).await, [1, 2, STATE + 2, 4, STATE + 3]);
    pair.stop().await;
}

async fn a_consumer_that_was_away_finds_out_when_it_comes(kind: Kind) {
    let Some(mut pair) = Pair::started(kind).await else { return };
    let user = somebody(1);
    pair.emit(user, 3).await;
    pair.heard(user, 3).await;
    pair.still_unpublished(0).await;
    pair.stop().await;
    pair.put_back(user, 2).await;
    pair.start_publisher().await;
    // Nobody is there who could know better.
    pair.emit(user, 1).await;
    pair.start_consumer().await;
    pair.eventually("it emits", async || refusing(&pair).await.is_some()).await;
    assert!(decide(&pair).await.changed);
    // What was asked for at the wrong moment is asked for again a minute later.
    let heard = async |upto, effects| {
        pair.eventually(&format!("nothing comes up to {upto}"), async || {
            pair.advance(TimeDelta::seconds(1));
            let heads = outbox::heads(&pair.task, "task").await.unwrap();
            heads.iter().any(|head| head.seq == upto) && pair.effects(user).await.len() == effects
        })
        .await;
    };
    heard(3, 3).await;
    pair.emit(user, 1).await;
    heard(4, 4).await;
    let effects = pair.effects(user).await;
    assert!(effects == [1, 2, STATE + 3, 4] || effects == [1, 2, STATE + 2, 4], "{effects:?}");
    pair.stop().await;
}

async fn a_full_outbox_refuses_commands_and_takes_them_again_when_it_has_drained(kind: Kind) {
    let Some(mut pair) = Pair::new(kind).await else { return };
    pair.tuning.outbox = Load { events: 5, bytes: i64::MAX };
    pair.start_publisher().await;
    let user = somebody(1);
    emit_in_time(&pair, user, 5).await;
    let refused = pair.try_emit(user).await;
    assert!(matches!(refused, Err(DbError::Refused(_))), "{refused:?}");
    assert!(refusing(&pair).await.is_some());
    pair.still_unpublished(5).await;
    let caused = Context { causation_id: Some(Uuid::nil()), ..Context::default() };
    pair.user.write(&caused, &user, script::emit_one).await.unwrap();
    // It is counted anew at a start as well.
    pair.stop().await;
    pair.start_publisher().await;
    pair.eventually("it has forgotten", async || refusing(&pair).await.is_some()).await;
    pair.start_consumer().await;
    pair.heard(user, 6).await;
    pair.eventually("it still refuses", async || refusing(&pair).await.is_none()).await;
    emit_in_time(&pair, user, 1).await;
    pair.heard(user, 7).await;

    pair.stop().await;
    pair.tuning.outbox = Load { events: i64::MAX, bytes: 1 };
    pair.start_publisher().await;
    emit_in_time(&pair, user, 1).await;
    assert!(pair.try_emit(user).await.is_err(), "bytes count as well");
    pair.stop().await;
}
