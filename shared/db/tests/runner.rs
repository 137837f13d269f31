//! The promises of the runner, on both databases.

#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

#[path = "runner/things.rs"]
mod things;

use db::{Context, Db, DbError, DbOptions, Tx};
use futures_util::FutureExt;
use futures_util::future::join_all;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use things::{Kind, Refused, count_up, insert, insert_and_linger, insert_then_refuse, named, names, open, thing};
use tokio::sync::Notify;

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

on_both_databases! {
    two_hundred_writers_of_one_row_lose_nothing,
    one_members_failure_takes_nothing_of_another_along,
    a_pushed_statement_that_changes_no_row_fails_the_commit,
    a_failed_push_cannot_be_swallowed,
    a_caller_that_goes_away_leaves_nothing_and_holds_up_nobody,
    a_panic_is_rolled_back_and_the_next_writer_goes_on,
    who_waits_too_long_for_the_turn_is_told_so,
    every_kind_of_value_comes_back_as_it_went,
    a_closed_database_takes_nothing_and_has_kept_everything,
}

async fn write_name(db: &Db, name: &str) -> Result<uuid::Uuid, Refused> {
    db.write(&Context::default(), &name.to_owned(), insert).await
}

async fn two_hundred_writers_of_one_row_lose_nothing(kind: Kind) {
    let Some((db, _dir)) = open(kind, |_| {}).await else { return };
    let id = write_name(&db, "counter").await.unwrap();
    let writers = (0..200).map(|_| {
        let db = db.clone();
        tokio::spawn(async move { db.write(&Context::default(), &id, count_up).await })
    });
    let mut seen: Vec<i64> = join_all(writers).await.into_iter().map(|count| count.unwrap().unwrap()).collect();
    seen.sort_unstable();
    assert_eq!(seen, (1..=200).collect::<Vec<i64>>());
    let stored = db.reader().one(thing::Entity::find_by_id(id)).await.unwrap().unwrap();
    assert_eq!(stored.count, 200);
}

async fn one_members_failure_takes_nothing_of_another_along(kind: Kind) {
    let Some((db, _dir)) = open(kind, |_| {}).await else { return };
    write_name(&db, "taken").await.unwrap();
    // The first lets the others queue behind it; those share a group.
    let context = Context::default();
    let (gate, kept, refused) = (String::from("gate"), String::from("kept"), String::from("refused"));
    let taken = String::from("taken");
    let (_, first, second, third) = tokio::join!(
        db.write(&context, &gate, insert_and_linger),
        db.write(&context, &kept, insert),
        db.write(&context, &refused, insert_then_refuse),
        db.write(&context, &taken, insert),
    );
    assert!(first.is_ok());
    assert_eq!(second, Err(Refused::Rule));
    assert_eq!(third, Err(Refused::Db(DbError::Unique { constraint: "thing.name".to_owned() })));
    assert_eq!(names(&db).await, ["gate", "kept", "taken"]);
}

async fn a_pushed_statement_that_changes_no_row_fails_the_commit(kind: Kind) {
    async fn touch_nothing(tx: &mut Tx, name: &String) -> Result<(), Refused> {
        insert(tx, name).await?;
        let nobody = thing::Column::Name.eq("nobody");
        tx.push(thing::Entity::update_many().col_expr(thing::Column::Count, Expr::value(1_i64)).filter(nobody));
        Ok(())
    }
    let Some((db, _dir)) = open(kind, |_| {}).await else { return };
    let result = db.write(&Context::default(), &"left".to_owned(), touch_nothing).await;
    assert!(matches!(result, Err(Refused::Db(DbError::NoRowChanged(_)))), "{result:?}");
    assert!(names(&db).await.is_empty());
}

async fn a_failed_push_cannot_be_swallowed(kind: Kind) {
    async fn swallows(tx: &mut Tx, names: &[String; 3]) -> Result<(), Refused> {
        for name in names {
            insert(tx, name).await?;
        }
        assert!(tx.all(thing::Entity::find()).await.is_err());
        assert!(tx.all(thing::Entity::find()).await.is_err(), "nothing is true any more in this transaction");
        Ok(())
    }
    let Some((db, _dir)) = open(kind, |_| {}).await else { return };
    write_name(&db, "taken").await.unwrap();
    let command = ["one", "taken", "three"].map(str::to_owned);
    let result = db.write(&Context::default(), &command, swallows).await;
    assert_eq!(result, Err(Refused::Db(DbError::Unique { constraint: "thing.name".to_owned() })));
    assert_eq!(names(&db).await, ["taken"]);
}

#[tokio::test]
async fn a_slow_statement_fails_its_own_writer_and_no_neighbour() {
    async fn slow(tx: &mut Tx, (): &()) -> Result<(), Refused> {
        let endless = "(WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n)";
        tx.run(thing::Entity::update_many().col_expr(thing::Column::Count, Expr::cust(endless))).await?;
        Ok(())
    }
    let change = |options: &mut DbOptions| {
        options.limits.statement = Duration::from_millis(50);
        options.limits.group_age = Duration::from_secs(1);
    };
    let Some((db, _dir)) = open(Kind::Sqlite, change).await else { return };
    write_name(&db, "row").await.unwrap();
    let context = Context::default();
    // The first lets the others queue behind it; those share a group.
    let (gate, before, after) = (String::from("gate"), String::from("before"), String::from("after"));
    let (_, second, third, fourth) = tokio::join!(
        db.write(&context, &gate, insert_and_linger),
        db.write(&context, &before, insert),
        db.write(&context, &(), slow),
        db.write(&context, &after, insert),
    );
    assert_eq!(third, Err(Refused::Db(DbError::Deadline)));
    assert!(second.is_ok() && fourth.is_ok(), "{second:?} {fourth:?}");
    assert_eq!(names(&db).await, ["after", "before", "gate", "row"]);
    assert_eq!(db.trouble(), None, "nothing is wrong with the database");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_whose_opener_goes_away_while_it_waits_for_a_lock_is_ended() {
    let Some((db, dir)) = open(Kind::Sqlite, |options| options.limits.lock = Duration::from_secs(10)).await else {
        return;
    };
    let stranger = rusqlite::Connection::open(dir.path().join("test.db")).unwrap();
    stranger.execute_batch("BEGIN IMMEDIATE").unwrap();
    let write = |name: &'static str| {
        let db = db.clone();
        tokio::spawn(async move { write_name(&db, name).await })
    };
    let (first, second) = (write("first"), write("second"));
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    for _ in 0..5 {
        looks.tick().await;
    }
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    stranger.execute_batch("COMMIT").unwrap();
    second.await.unwrap().unwrap();
    assert_eq!(names(&db).await, ["second"]);
    stranger.execute_batch("BEGIN IMMEDIATE; ROLLBACK").unwrap();
}

async fn a_caller_that_goes_away_leaves_nothing_and_holds_up_nobody(kind: Kind) {
    async fn never_ends(tx: &mut Tx, begun: &Arc<Notify>) -> Result<(), Refused> {
        let id = tx.new_id();
        tx.run(thing::Entity::insert(named(id, "half", None))).await?;
        begun.notify_one();
        std::future::pending().await
    }
    let Some((db, _dir)) = open(kind, |_| {}).await else { return };
    for round in 0..50 {
        let begun = Arc::new(Notify::new());
        let context = Context::default();
        let other = tokio::spawn({
            let db = db.clone();
            async move { write_name(&db, &format!("other-{round}")).await }
        });
        tokio::select! {
            _ = db.write(&context, &begun, never_ends) => unreachable!("it never ends"),
            () = begun.notified() => {}
        }
        other.await.unwrap().unwrap();
    }
    let left = names(&db).await;
    assert_eq!(left.len(), 50);
    assert!(!left.contains(&"half".to_owned()));
}

async fn a_panic_is_rolled_back_and_the_next_writer_goes_on(kind: Kind) {
    async fn panics(tx: &mut Tx, name: &String) -> Result<(), Refused> {
        insert(tx, name).await?;
        tx.all(thing::Entity::find()).await?;
        panic!("on purpose")
    }
    let Some((db, _dir)) = open(kind, |_| {}).await else { return };
    let name = "panic".to_owned();
    let context = Context::default();
    let writing = AssertUnwindSafe(db.write(&context, &name, panics)).catch_unwind().await;
    assert!(writing.is_err());
    write_name(&db, "after").await.unwrap();
    assert_eq!(names(&db).await, ["after"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strangers_lock_is_waited_for_up_to_the_lock_limit() {
    let Some((db, dir)) = open(Kind::Sqlite, |options| options.limits.lock = Duration::from_millis(500)).await else {
        return;
    };
    let stranger = rusqlite::Connection::open(dir.path().join("test.db")).unwrap();
    stranger.execute_batch("BEGIN IMMEDIATE").unwrap();
    let waiting = tokio::spawn({
        let db = db.clone();
        async move { write_name(&db, "too late").await }
    });
    let refused = waiting.await.unwrap();
    assert!(matches!(refused, Err(Refused::Db(DbError::Unavailable(_)))), "{refused:?}");
    assert!(db.trouble().is_some(), "health knows of it");
    let waiting = tokio::spawn({
        let db = db.clone();
        async move { write_name(&db, "in time").await }
    });
    tokio::task::yield_now().await;
    stranger.execute_batch("COMMIT").unwrap();
    waiting.await.unwrap().unwrap();
    assert_eq!(names(&db).await, ["in time"]);
    assert_eq!(db.trouble(), None);
}

async fn who_waits_too_long_for_the_turn_is_told_so(kind: Kind) {
    async fn holds(tx: &mut Tx, (begun, release): &(Arc<Notify>, Arc<Notify>)) -> Result<(), Refused> {
        // On PostgreSQL it has no connection before.
        tx.all(thing::Entity::find()).await?;
        begun.notify_one();
        release.notified().await;
        Ok(())
    }
    let one_short = |options: &mut DbOptions| {
        options.limits.acquire = Duration::from_millis(50);
        options.writers = 1;
    };
    let Some((db, _dir)) = open(kind, one_short).await else { return };
    let signals = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let holder = tokio::spawn({
        let (db, signals) = (db.clone(), signals.clone());
        async move { db.write(&Context::default(), &signals, holds).await }
    });
    signals.0.notified().await;
    assert_eq!(write_name(&db, "late").await, Err(Refused::Db(DbError::Busy)));
    signals.1.notify_one();
    holder.await.unwrap().unwrap();
    write_name(&db, "then").await.unwrap();
    assert_eq!(names(&db).await, ["then"]);
}

async fn every_kind_of_value_comes_back_as_it_went(kind: Kind) {
    async fn store(tx: &mut Tx, model: &thing::Model) -> Result<(), Refused> {
        let model = model.clone();
        tx.push(thing::Entity::insert(thing::ActiveModel {
            id: Set(model.id),
            name: Set(model.name),
            count: Set(model.count),
            small: Set(model.small),
            flag: Set(model.flag),
            seen_at: Set(model.seen_at),
            extra: Set(model.extra),
            raw: Set(model.raw),
        }));
        Ok(())
    }
    let Some((db, _dir)) = open(kind, |_| {}).await else { return };
    let full = thing::Model {
        id: db.new_id(),
        name: "007".to_owned(),
        count: i64::MAX,
        small: Some(-7),
        flag: true,
        seen_at: Some(db.clock().now()),
        extra: Some(serde_json::json!({"a": [1, null, "ü"]})),
        raw: Some(vec![0, 255]),
    };
    let id = db.new_id();
    let empty = thing::Model {
        id,
        name: String::new(),
        small: None,
        flag: false,
        seen_at: None,
        extra: None,
        raw: None,
        ..full.clone()
    };
    for model in [&full, &empty] {
        db.write(&Context::default(), model, store).await.unwrap();
        let back = db.reader().one(thing::Entity::find_by_id(model.id)).await.unwrap().unwrap();
        assert_eq!(&back, model);
    }
}

async fn a_closed_database_takes_nothing_and_has_kept_everything(kind: Kind) {
    let Some((db, place)) = open(kind, |_| {}).await else { return };
    write_name(&db, "kept").await.unwrap();
    db.close().await;
    assert!(matches!(write_name(&db, "late").await, Err(Refused::Db(DbError::Unavailable(_)))));
    let read = db.reader().all(thing::Entity::find()).await;
    assert!(matches!(read, Err(DbError::Unavailable(_))), "{read:?}");
    match kind {
        Kind::Sqlite => {
            let file = rusqlite::Connection::open(place.path().join("test.db")).unwrap();
            let kept: String = file.query_row("SELECT group_concat(name) FROM thing", [], |row| row.get(0)).unwrap();
            assert_eq!(kept, "kept");
            let log = place.path().join("test.db-wal");
            assert_eq!(std::fs::metadata(log).map_or(0, |log| log.len()), 0);
        }
        Kind::Postgres => {
            let kept = place.scratch().column("SELECT name FROM test.thing").await;
            assert_eq!(kept, [Some("kept".to_owned())]);
        }
    }
}
