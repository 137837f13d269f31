//! The bounds of the records, on a real database.

use super::{Key, once, record, record::Policy};
use crate::answer::Answer;
use crate::problem::{Problem, ProblemCode};
use actix_web::HttpResponse;
use chrono::{DateTime, TimeDelta, Utc};
use contracts::Clock;
use db::{Context, Db, DbError, DbOptions, Tx};
use sea_orm::{Database, EntityTrait, QueryOrder};
use sea_orm_migration::{MigrationTrait, MigratorTrait};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        migration_messaging::migrations()
    }
}

#[derive(Debug)]
struct TestClock(Mutex<DateTime<Utc>>);

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }
}

struct Shop {
    db: Db,
    clock: Arc<TestClock>,
    _directory: TempDir,
}

struct Keep {
    keys: Vec<Key>,
    policy: Policy,
}

async fn keep(tx: &mut Tx, command: &Keep) -> Result<(), DbError> {
    for key in &command.keys {
        record::keep(tx, key, &Answer::no_content(), command.policy).await?;
    }
    Ok(())
}

fn key(caller: &str, key: &str) -> Key {
    Key { caller: caller.to_owned(), scope: "POST /x".to_owned(), key: key.to_owned(), request_hash: vec![1] }
}

const THREE: Policy = Policy { hours: 24, per_caller: 3, counted: 1 };

impl Shop {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("shop.db");
        let connection = Database::connect(format!("sqlite://{}?mode=rwc", path.display())).await.unwrap();
        Migrator::up(&connection, None).await.unwrap();
        connection.close().await.unwrap();
        let clock = Arc::new(TestClock(Mutex::new("2026-01-02T03:04:05Z".parse().unwrap())));
        let options = DbOptions { clock: Arc::<TestClock>::clone(&clock), ..DbOptions::file(path) };
        Self { db: Db::open(options).await.unwrap(), clock, _directory: directory }
    }

    async fn keep(&self, keys: Vec<Key>, policy: Policy) {
        self.db.write(&Context::default(), &Keep { keys, policy }, keep).await.unwrap();
    }

    async fn kept(&self) -> Vec<(String, String)> {
        let records = record::Entity::find().order_by_asc(record::Column::Caller).order_by_asc(record::Column::IdemKey);
        let records = self.db.reader().all(records).await.unwrap();
        records.into_iter().map(|record| (record.caller, record.idem_key)).collect()
    }
}

#[tokio::test]
async fn the_oldest_records_of_a_caller_go_and_nobody_elses() {
    let shop = Shop::new().await;
    shop.keep(vec![key("ben", "0")], THREE).await;
    for number in 0..5 {
        *shop.clock.0.lock().unwrap() += TimeDelta::seconds(1);
        shop.keep(vec![key("anna", &number.to_string())], THREE).await;
    }
    let expected = [("anna", "2"), ("anna", "3"), ("anna", "4"), ("ben", "0")];
    assert_eq!(shop.kept().await, expected.map(|(caller, key)| (caller.to_owned(), key.to_owned())));
}

/// That 400 writes go by of which none counts happens once in 10^23 times.
#[tokio::test]
async fn where_only_some_writes_count_the_records_do_not_grow_without_end() {
    let shop = Shop::new().await;
    let some = Policy { hours: 24, per_caller: 100, counted: 8 };
    for round in 0..5 {
        *shop.clock.0.lock().unwrap() += TimeDelta::seconds(1);
        shop.keep((0..400).map(|number| key("anna", &format!("{round}-{number}"))).collect(), some).await;
        let kept = shop.kept().await.len();
        assert!((1..=500).contains(&kept), "{kept} records are kept");
    }
}

#[tokio::test]
async fn the_newest_record_stays_also_when_all_are_of_one_instant() {
    let shop = Shop::new().await;
    for number in 0..5 {
        shop.keep(vec![key("anna", &number.to_string())], THREE).await;
        let kept = shop.kept().await;
        assert!(kept.len() <= 3 && kept.iter().any(|(_, key)| *key == number.to_string()), "{kept:?}");
    }
}

#[tokio::test]
async fn the_clean_up_goes_on_beyond_one_batch_and_stops_at_the_age() {
    let shop = Shop::new().await;
    shop.keep((0..2_100).map(|number| key(&format!("caller-{number}"), "k")).collect(), Policy::DEFAULT).await;
    *shop.clock.0.lock().unwrap() += TimeDelta::hours(1);
    shop.keep(vec![key("anna", "k")], Policy::DEFAULT).await;
    let now = shop.clock.now();
    assert_eq!(super::purge_idempotency(&shop.db, now).await.unwrap(), 2_100);
    assert_eq!(shop.kept().await, [("anna".to_owned(), "k".to_owned())]);
}

async fn emits(tx: &mut Tx, _command: &()) -> Result<(), DbError> {
    tx.mark_new(1);
    Ok(())
}

async fn ask(shop: &Shop, name: &str) -> Result<HttpResponse, Problem> {
    once(&shop.db, &Context::default(), key("anna", name), &(), emits, |()| Answer::no_content()).await
}

#[tokio::test]
async fn what_was_carried_out_is_known_also_while_nothing_may_be_emitted() {
    let shop = Shop::new().await;
    assert!(!ask(&shop, "a").await.unwrap().headers().contains_key("idempotency-replayed"));
    shop.db.gate().close(Some("on purpose".to_owned()));
    assert!(ask(&shop, "a").await.unwrap().headers().contains_key("idempotency-replayed"));
    assert_eq!(ask(&shop, "b").await.unwrap_err().code(), ProblemCode::Unavailable);
}
