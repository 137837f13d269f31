//! Waits have bounds: for a connection, a lock, a statement; a deadlock is nobody's business but the runner's.

use super::{pause, pauses, write_name};
use crate::things::{Kind, Place, Refused, count_up, open, thing};
use db::{Context, Db, DbError, DbOptions, Tx};
use sea_orm::sea_query::Expr;
use sea_orm::{EntityTrait, QuerySelect};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Barrier;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_room_is_said_within_the_acquire_limit() {
    let Some((_, mut place)) = open(Kind::Postgres, |_| {}).await else { return };
    place.scratch().execute("GRANT USAGE ON SCHEMA test TO PUBLIC; GRANT ALL ON test.thing TO PUBLIC").await;
    let Place::Postgres(scratch) = &mut place else { unreachable!("a test of PostgreSQL") };
    let mut options = DbOptions::postgres(scratch.role("CONNECTION LIMIT 1").await, "test");
    options.limits.acquire = Duration::from_millis(300);
    let db = Db::open(options).await.unwrap();
    let command = pause("first");
    let first = tokio::spawn({
        let (db, command) = (db.clone(), command.clone());
        async move { db.write(&Context::default(), &command, pauses).await }
    });
    command.1.notified().await;
    let started = Instant::now();
    let second = write_name(&db, "second").await;
    assert!(matches!(second, Err(Refused::Db(DbError::Unavailable(_)))), "{second:?}");
    assert!(started.elapsed() < Duration::from_millis(900), "{:?}", started.elapsed());
    command.2.notify_one();
    first.await.unwrap().unwrap();
    write_name(&db, "third").await.unwrap();
    db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_is_waited_for_up_to_its_limit_and_the_use_case_is_not_run_again() {
    async fn counted(tx: &mut Tx, (id, runs): &(Uuid, Arc<AtomicUsize>)) -> Result<i64, Refused> {
        runs.fetch_add(1, Ordering::Relaxed);
        count_up(tx, id).await
    }
    let short = |options: &mut DbOptions| options.limits.lock = Duration::from_millis(100);
    let Some((db, _place)) = open(Kind::Postgres, short).await else { return };
    let id = write_name(&db, "counter").await.unwrap();
    let command = pause("holder");
    let holder = tokio::spawn({
        let (db, command) = (db.clone(), command.clone());
        async move { db.write(&Context::default(), &command, pauses).await }
    });
    command.1.notified().await;
    let late = (id, Arc::new(AtomicUsize::new(0)));
    let refused = db.write(&Context::default(), &late, counted).await;
    assert_eq!(refused, Err(Refused::Db(DbError::Conflict)));
    assert_eq!(late.1.load(Ordering::Relaxed), 1);
    command.2.notify_one();
    holder.await.unwrap().unwrap();
    assert_eq!(db.write(&Context::default(), &late, counted).await, Ok(1));
}

type Crossing = (Uuid, Uuid, Arc<Barrier>, Arc<AtomicUsize>);

/// Counts one row up and then another, the first time when somebody else has come as far.
async fn cross(tx: &mut Tx, (first, second, both, runs): &Crossing) -> Result<(), Refused> {
    let run = runs.fetch_add(1, Ordering::Relaxed);
    count_up(tx, first).await?;
    tx.all(thing::Entity::find()).await?;
    if run == 0 {
        both.wait().await;
    }
    count_up(tx, second).await.map(drop)
}

/// Two that want each other's row; how often they ran in all.
async fn deadlock(db: &Db, pair: usize) -> usize {
    let a = write_name(db, &format!("{pair}a")).await.unwrap();
    let b = write_name(db, &format!("{pair}b")).await.unwrap();
    let both = Arc::new(Barrier::new(2));
    let there: Crossing = (a, b, Arc::clone(&both), Arc::default());
    let back: Crossing = (b, a, both, Arc::default());
    let context = Context::default();
    let (one, other) = tokio::join!(db.write(&context, &there, cross), db.write(&context, &back, cross));
    assert_eq!((one, other), (Ok(()), Ok(())));
    there.3.load(Ordering::Relaxed) + back.3.load(Ordering::Relaxed)
}

async fn all_counts(db: &Db) -> Vec<i64> {
    db.reader().all(thing::Entity::find()).await.unwrap().iter().map(|row| row.count).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_loses_in_a_deadlock_is_run_again() {
    let patient = |options: &mut DbOptions| {
        options.limits.lock = Duration::from_secs(5);
        options.limits.statement = Duration::from_secs(6);
        options.limits.silence = Duration::from_secs(8);
        options.limits.idle_in_transaction = Duration::from_secs(10);
    };
    let Some((db, _place)) = open(Kind::Postgres, patient).await else { return };
    assert_eq!(deadlock(&db, 0).await, 3, "one of them twice");
    assert_eq!(all_counts(&db).await, [2, 2]);
}

/// With the limits as they are, the server's look for deadlocks and the lock limit fall on the same instant: either may
/// end the wait. Nobody sees a difference.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadlock_is_nobodys_error_whichever_limit_ends_it() {
    // Time for all runs, also on a machine that is slow.
    let patient = |options: &mut DbOptions| options.limits.silence = Duration::from_secs(20);
    let Some((db, _place)) = open(Kind::Postgres, patient).await else { return };
    let runs = tokio::join!(deadlock(&db, 0), deadlock(&db, 1), deadlock(&db, 2));
    assert!([runs.0, runs.1, runs.2].iter().all(|runs| (3..=6).contains(runs)), "{runs:?}");
    assert_eq!(all_counts(&db).await, [2; 6]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadlock_that_the_lock_limit_ends_is_run_again() {
    let short = |options: &mut DbOptions| {
        options.limits.lock = Duration::from_millis(700);
        options.limits.silence = Duration::from_secs(20);
    };
    let Some((db, _place)) = open(Kind::Postgres, short).await else { return };
    let runs = deadlock(&db, 0).await;
    assert!((3..=6).contains(&runs), "{runs}");
    assert_eq!(all_counts(&db).await, [2, 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_takes_too_long_is_ended_by_the_server() {
    async fn sleeps(tx: &mut Tx, (): &()) -> Result<(), Refused> {
        let slow = thing::Entity::find().select_only().expr(Expr::cust("pg_sleep(20)::text"));
        tx.rows::<(String,)>(slow).await.map(drop).map_err(Refused::from)
    }
    let short = |options: &mut DbOptions| options.limits.statement = Duration::from_millis(100);
    let Some((db, _place)) = open(Kind::Postgres, short).await else { return };
    write_name(&db, "row").await.unwrap();
    assert_eq!(db.write(&Context::default(), &(), sleeps).await, Err(Refused::Db(DbError::Deadline)));
    let slow = thing::Entity::find().select_only().expr(Expr::cust("pg_sleep(20)::text"));
    assert_eq!(db.reader().rows::<(String,)>(slow).await, Err(DbError::Deadline));
    write_name(&db, "next").await.unwrap();
}
