//! One table and the use-cases of the tests.

use chrono::{DateTime, Utc};
use db::{Db, DbError, DbOptions, Tx};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{QuerySelect, Set};
use std::path::Path;
use tempfile::TempDir;

pub mod thing {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "thing")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub name: String,
        pub count: i64,
        pub small: Option<i16>,
        pub flag: bool,
        pub seen_at: Option<DateTimeUtc>,
        pub extra: Option<Json>,
        pub raw: Option<Vec<u8>>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub const TABLE: &str = "CREATE TABLE thing (id BLOB PRIMARY KEY CHECK (length(id) = 16), name TEXT NOT NULL UNIQUE,
    count INTEGER NOT NULL, small INTEGER, flag INTEGER NOT NULL, seen_at INTEGER, extra TEXT, raw BLOB) STRICT";

/// A use-case's error in the tests.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the rule says no")]
    Rule,
    #[error(transparent)]
    Db(#[from] DbError),
}

pub fn make_table(path: &Path) {
    rusqlite::Connection::open(path).unwrap().execute_batch(TABLE).unwrap();
}

pub async fn open(change: impl FnOnce(&mut DbOptions)) -> (Db, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("test.db");
    make_table(&path);
    let mut options = DbOptions::file(&path);
    change(&mut options);
    (Db::open(options).await.unwrap(), dir)
}

pub fn named(id: Uuid, name: &str, seen_at: Option<DateTime<Utc>>) -> thing::ActiveModel {
    thing::ActiveModel {
        id: Set(id),
        name: Set(name.to_owned()),
        count: Set(0),
        small: Set(None),
        flag: Set(false),
        seen_at: Set(seen_at),
        extra: Set(None),
        raw: Set(None),
    }
}

#[expect(clippy::ptr_arg, reason = "the type of the command, which is owned")]
pub async fn insert(tx: &mut Tx, name: &String) -> Result<Uuid, Refused> {
    let id = tx.new_id();
    let now = tx.now();
    tx.push(thing::Entity::insert(named(id, name, Some(now))));
    Ok(id)
}

/// Lets others queue behind it before it goes on.
pub async fn insert_and_linger(tx: &mut Tx, name: &String) -> Result<Uuid, Refused> {
    let id = insert(tx, name).await?;
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    Ok(id)
}

pub async fn insert_then_refuse(tx: &mut Tx, name: &String) -> Result<(), Refused> {
    insert(tx, name).await?;
    Err(Refused::Rule)
}

pub async fn count_up(tx: &mut Tx, id: &Uuid) -> Result<i64, Refused> {
    let thing = tx.one(thing::Entity::find_by_id(*id).lock_exclusive()).await?.ok_or(Refused::Rule)?;
    let count = thing.count + 1;
    tx.push(
        thing::Entity::update_many()
            .col_expr(thing::Column::Count, Expr::value(count))
            .filter(thing::Column::Id.eq(*id))
            .filter(thing::Column::Count.eq(thing.count)),
    );
    Ok(count)
}

pub async fn names(db: &Db) -> Vec<String> {
    let mut names: Vec<String> =
        db.reader().all(thing::Entity::find()).await.unwrap().into_iter().map(|thing| thing.name).collect();
    names.sort();
    names
}
