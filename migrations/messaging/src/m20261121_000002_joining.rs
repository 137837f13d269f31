//! Who hears since when. Rule: both sides keep it beside what it is about: the publisher beside its outbox, the consumer
//! beside its watermarks.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        match manager.get_database_backend() {
            DbBackend::Sqlite => manager.get_connection().execute_unprepared(SQLITE).await.map(drop),
            DbBackend::Postgres => manager.get_connection().execute_unprepared(POSTGRES).await.map(drop),
            other => Err(DbErr::Migration(format!("there are no messaging tables for {other:?}"))),
        }
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const SQLITE: &str = "
CREATE TABLE outbox_consumer (
  consumer TEXT    PRIMARY KEY,
  since    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE inbox_source (
  consumer       TEXT    NOT NULL,
  source         TEXT    NOT NULL,
  aggregate_type TEXT    NOT NULL,
  began          INTEGER NOT NULL,
  since          INTEGER,
  joining        INTEGER,
  taken_up_to    BLOB    CHECK (length(taken_up_to) = 16),
  failed         INTEGER NOT NULL DEFAULT 0,
  veteran        INTEGER NOT NULL DEFAULT 0 CHECK (veteran IN (0, 1)),
  PRIMARY KEY (consumer, source, aggregate_type)
) STRICT, WITHOUT ROWID;
";

const POSTGRES: &str = r#"
CREATE TABLE outbox_consumer (
  consumer text COLLATE "C" PRIMARY KEY,
  since    timestamptz NOT NULL
);

CREATE TABLE inbox_source (
  consumer       text COLLATE "C" NOT NULL,
  source         text COLLATE "C" NOT NULL,
  aggregate_type text COLLATE "C" NOT NULL,
  began          timestamptz NOT NULL,
  since          timestamptz,
  joining        timestamptz,
  taken_up_to    uuid,
  failed         bigint NOT NULL DEFAULT 0,
  veteran        boolean NOT NULL DEFAULT false,
  PRIMARY KEY (consumer, source, aggregate_type)
);
"#;
