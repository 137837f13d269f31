//! Whether this database is an older one than that which others have heard of. Rule: it stands in the database itself, so
//! that a restart does not forget it, and every process on the database finds it.

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
CREATE TABLE stream_epoch (
  id          INTEGER PRIMARY KEY CHECK (id = 1),
  epoch       INTEGER NOT NULL CHECK (epoch > 0),
  heard       INTEGER NOT NULL DEFAULT 0,
  older_since INTEGER,
  evidence    TEXT,
  CHECK ((older_since IS NULL) = (evidence IS NULL))
) STRICT;
INSERT INTO stream_epoch (id, epoch) VALUES (1, 1);
";

const POSTGRES: &str = "
CREATE TABLE stream_epoch (
  id          integer PRIMARY KEY CHECK (id = 1),
  epoch       integer NOT NULL CHECK (epoch > 0),
  heard       integer NOT NULL DEFAULT 0,
  older_since timestamptz,
  evidence    text,
  CHECK ((older_since IS NULL) = (evidence IS NULL))
);
INSERT INTO stream_epoch (id, epoch) VALUES (1, 1);
";
