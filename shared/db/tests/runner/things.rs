//! One table and the use-cases of the tests, in either database.

#![allow(dead_code, unused_imports, reason = "each test binary uses what it needs")]

// What others have with the feature `testing`; a crate cannot ask a feature of itself.
#[path = "../../src/testing.rs"]
pub mod testing;

use chrono::{DateTime, Utc};
use db::{Db, DbError, DbOptions, Tx};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{QuerySelect, Set};
use std::path::Path;
use tempfile::TempDir;
use testing::Scratch;

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

const SQLITE: &str = "CREATE TABLE thing (id BLOB PRIMARY KEY CHECK (length(id) = 16), name TEXT NOT NULL UNIQUE,
    count INTEGER NOT NULL, small INTEGER, flag INTEGER NOT NULL, seen_at INTEGER, extra TEXT, raw BLOB) STRICT";

pub const POSTGRES: &str = "CREATE SCHEMA test; CREATE TABLE test.thing (id uuid PRIMARY KEY,
    name text COLLATE \"C\" NOT NULL UNIQUE, count bigint NOT NULL, small smallint, flag boolean NOT NULL,
    seen_at timestamptz, extra jsonb, raw bytea)";

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// What is removed at the end of a test.
pub enum Place {
    File(TempDir),
    Postgres(Scratch),
}

impl Place {
    pub fn path(&self) -> &Path {
        let Self::File(directory) = self else { unreachable!("a test of files") };
        directory.path()
    }

    pub fn scratch(&self) -> &Scratch {
        let Self::Postgres(scratch) = self else { unreachable!("a test of PostgreSQL") };
        scratch
    }
}

/// A use-case's error in the tests.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the rule says no")]
    Rule,
    #[error(transparent)]
    Db(#[from] DbError),
}

/// A database with the one table; none where there is no server.
pub async fn open(kind: Kind, change: impl FnOnce(&mut DbOptions)) -> Option<(Db, Place)> {
    let (mut options, place) = match kind {
        Kind::Sqlite => {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("test.db");
            rusqlite::Connection::open(&path).unwrap().execute_batch(SQLITE).unwrap();
            (DbOptions::file(&path), Place::File(directory))
        }
        Kind::Postgres => {
            let scratch = Scratch::new().await?;
            scratch.execute(POSTGRES).await;
            (DbOptions::postgres(scratch.url(), "test"), Place::Postgres(scratch))
        }
    };
    change(&mut options);
    Some((Db::open(options).await.unwrap(), place))
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
