//! Callers go away at any instant: nothing is half done, no connection is poisoned.

use super::{LEFT_OPEN, eventually, open_through_proxy, write_name};
use crate::proxy::Fault;
use crate::things::{Kind, Place, Refused, insert, named, names, open, thing};
use db::{Context, Db, DbError, Tx};
use futures_util::future::join_all;
use sea_orm::{EntityTrait, QuerySelect};
use std::time::{Duration, Instant};
use tokio::time::timeout;
use uuid::Uuid;

/// Both rows or none.
async fn write_pair(tx: &mut Tx, (anchor, n): &(Uuid, usize)) -> Result<(), Refused> {
    if !n.is_multiple_of(3) {
        tx.one(thing::Entity::find_by_id(*anchor).lock_shared()).await?;
    }
    insert(tx, &format!("a-{n}")).await?;
    if n.is_multiple_of(5) {
        tx.run(thing::Entity::insert(named(tx.new_id(), &format!("b-{n}"), None))).await?;
        return Ok(());
    }
    insert(tx, &format!("b-{n}")).await.map(drop)
}

/// Lets go of thousands of writes, at any instant of their lives.
async fn let_go(db: &Db, place: &Place, rounds: usize, longest: u64) {
    let anchor = write_name(db, "anchor").await.unwrap();
    // As long as some writes take on this machine, now.
    let started = Instant::now();
    for n in 0..20 {
        write_name(db, &format!("before-{n}")).await.unwrap();
    }
    let usual = u64::try_from(started.elapsed().as_micros()).unwrap() / 20;
    let longest = longest.max(6 * usual);
    let patience = |n: usize| Duration::from_micros((n as u64 * 7_919) % longest);
    let acknowledged = join_all((0..4).map(|lane| {
        let db = db.clone();
        async move {
            let mut acknowledged = Vec::new();
            for n in (lane..rounds).step_by(4) {
                let (context, command) = (Context::default(), (anchor, n));
                match timeout(patience(n), db.write(&context, &command, write_pair)).await {
                    Ok(Ok(())) => acknowledged.push(n),
                    Ok(Err(Refused::Db(DbError::Busy))) | Err(_) => {}
                    Ok(Err(other)) => panic!("{other:?}"),
                }
            }
            acknowledged
        }
    }))
    .await
    .concat();
    eventually("a transaction stays open", async || place.scratch().column(LEFT_OPEN).await.is_empty()).await;
    let stored = names(db).await;
    let holds = |name: String| stored.binary_search(&name).is_ok();
    for n in 0..rounds {
        assert_eq!(holds(format!("a-{n}")), holds(format!("b-{n}")), "write {n} is half done");
    }
    assert!(acknowledged.iter().all(|n| holds(format!("a-{n}"))), "an acknowledged write is missing");
    let (kept, lost) = (acknowledged.len(), rounds - acknowledged.len());
    assert!(kept > rounds / 20 && lost > rounds / 20, "{kept} kept, {lost} let go: the test tests nothing");
    // Every connection is good for a transaction of its own again.
    let after = join_all((0..24).map(|n| {
        let db = db.clone();
        async move { write_name(&db, &format!("after-{n}")).await }
    }));
    assert!(after.await.iter().all(Result::is_ok));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_callers_that_go_away_leave_nothing_half_done_and_no_poisoned_connection() {
    let Some((db, place)) = open(Kind::Postgres, |_| {}).await else { return };
    let_go(&db, &place, 4_000, 500).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_that_go_away_from_a_slow_server_leave_nothing_half_done() {
    let Some((db, place, proxy)) = open_through_proxy(|_| {}).await else { return };
    proxy.set(Fault::Slow(Duration::from_millis(3)));
    let_go(&db, &place, 600, 80_000).await;
}
