//! What a use-case may do with statements, and what it cannot get away with.

use super::{eventually, write_name};
use crate::things::{Kind, Refused, count_up, insert, named, names, open, thing};
use db::{Context, DbError, Tx};
use futures_util::future::FutureExt;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_use_case_that_swallows_a_failure_cannot_keep_its_work() {
    #[expect(clippy::ptr_arg, reason = "the type of the command, which is owned")]
    async fn swallows(tx: &mut Tx, name: &String) -> Result<(), Refused> {
        insert(tx, &"before".to_owned()).await?;
        let twice = tx.run(thing::Entity::insert(named(tx.new_id(), name, None))).await;
        assert_eq!(twice, Err(DbError::Unique { constraint: "thing.name".to_owned() }));
        insert(tx, &"after".to_owned()).await.map(drop)
    }
    let Some((db, _place)) = open(Kind::Postgres, |_| {}).await else { return };
    write_name(&db, "taken").await.unwrap();
    let kept = db.write(&Context::default(), &"taken".to_owned(), swallows).await;
    assert_eq!(kept, Err(Refused::Db(DbError::Unique { constraint: "thing.name".to_owned() })));
    assert_eq!(names(&db).await, ["taken"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_use_case_that_abandons_a_statement_cannot_keep_its_work() {
    async fn abandons(tx: &mut Tx, (): &()) -> Result<(), Refused> {
        tx.all(thing::Entity::find()).await?;
        let id = tx.new_id();
        let inserting = tx.run(thing::Entity::insert(named(id, "abandoned", None)));
        assert_eq!(inserting.now_or_never(), None);
        Ok(())
    }
    let Some((db, _place)) = open(Kind::Postgres, |_| {}).await else { return };
    let kept = db.write(&Context::default(), &(), abandons).await;
    assert!(matches!(kept, Err(Refused::Db(DbError::Statement(_)))), "{kept:?}");
    assert!(names(&db).await.is_empty());
    write_name(&db, "next").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_cannot_be_sent_stops_what_comes_after_it() {
    async fn misfit(tx: &mut Tx, (): &()) -> Result<(), Refused> {
        insert(tx, &"first".to_owned()).await?;
        let wrong = thing::Entity::update_many().col_expr(thing::Column::Count, Expr::value("no number"));
        tx.push(wrong.filter(thing::Column::Name.eq("first")));
        insert(tx, &"last".to_owned()).await.map(drop)
    }
    let Some((db, _place)) = open(Kind::Postgres, |_| {}).await else { return };
    let kept = db.write(&Context::default(), &(), misfit).await;
    assert!(matches!(kept, Err(Refused::Db(DbError::Statement(_)))), "{kept:?}");
    assert!(names(&db).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_keeps_its_kind_where_its_place_tells_none() {
    let Some((db, _place)) = open(Kind::Postgres, |_| {}).await else { return };
    let id = write_name(&db, "row").await.unwrap();
    let now = db.clock().now();
    let values = thing::Entity::find()
        .select_only()
        .expr(Expr::value(7_i32))
        .expr(Expr::value(id))
        .expr(Expr::value(now))
        .expr(Expr::value("text"))
        .expr(Expr::value(Option::<i64>::None));
    let rows = db.reader().rows::<(i32, Uuid, chrono::DateTime<chrono::Utc>, String, Option<i64>)>(values).await;
    assert_eq!(rows, Ok(vec![(7, id, now, "text".to_owned(), None)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reader_cannot_write() {
    let Some((db, place)) = open(Kind::Postgres, |_| {}).await else { return };
    place.scratch().execute("CREATE SEQUENCE test.numbers").await;
    write_name(&db, "row").await.unwrap();
    let next = thing::Entity::find().select_only().expr(Expr::cust("nextval('numbers')"));
    let refused = db.reader().rows::<(i64,)>(next).await;
    assert!(matches!(refused, Err(DbError::Unavailable(_))), "{refused:?}");
    assert_eq!(names(&db).await, ["row"]);
}

/// Of many things few are waited for, and the server has never counted them.
const FEW_OF_MANY: &str = "ALTER TABLE test.thing SET (autovacuum_enabled = false);
    CREATE INDEX waiting ON test.thing (name) WHERE seen_at IS NULL;
    INSERT INTO test.thing SELECT gen_random_uuid(), n, 0, NULL, false FROM generate_series(1, 400) n;
    UPDATE test.thing SET seen_at = now() WHERE name::int > 10";
const READS: usize = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_read_by_index_is_not_gathered_first() {
    let Some((db, place)) = open(Kind::Postgres, |_| {}).await else { return };
    place.scratch().execute(FEW_OF_MANY).await;
    for _ in 0..READS {
        let waiting = thing::Entity::find().filter(thing::Column::SeenAt.is_null());
        let found = db.reader().by_index().all(waiting.order_by_asc(thing::Column::Name).limit(256)).await.unwrap();
        let names: Vec<_> = found.iter().map(|thing| thing.name.as_str()).collect();
        assert_eq!(names, ["1", "10", "2", "3", "4", "5", "6", "7", "8", "9"]);
    }
    db.close().await;
    // Rows that were taken from an index in its order; what is gathered first is not counted there.
    let fetched = "SELECT idx_tup_fetch FROM pg_stat_user_indexes WHERE indexrelname = 'waiting'";
    let all = [Some((READS * 10).to_string())];
    // What a connection has read is told at the latest when it ends.
    eventually("all reads went by the index", async || place.scratch().column(fetched).await == all).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_uniqueness_rule_is_named_by_its_columns_also_when_it_is_younger_than_the_process() {
    let Some((db, place)) = open(Kind::Postgres, |_| {}).await else { return };
    place.scratch().execute("CREATE UNIQUE INDEX odd_name ON test.thing (flag, count) WHERE count > 0").await;
    for name in ["a", "b"] {
        let id = write_name(&db, name).await.unwrap();
        let counted = db.write(&Context::default(), &id, count_up).await;
        let taken = Err(Refused::Db(DbError::Unique { constraint: "thing.flag, thing.count".to_owned() }));
        assert_eq!(counted, if name == "a" { Ok(1) } else { taken });
    }
}
