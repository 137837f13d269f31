//! Outbox, inbox and idempotency records. Rule: strict tables, so that a value of the wrong kind is refused where it
//! is written and not where it is read.

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

    // All or nothing, also on SQLite: a half-made schema could not be migrated again.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const SQLITE: &str = "
CREATE TABLE outbox (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id        BLOB    NOT NULL UNIQUE CHECK (length(event_id) = 16),
  aggregate_type  TEXT    NOT NULL,
  aggregate_id    TEXT    NOT NULL,
  aggregate_seq   INTEGER NOT NULL CHECK (aggregate_seq > 0),
  stream_epoch    INTEGER NOT NULL DEFAULT 1,
  event_type      TEXT    NOT NULL,
  schema_version  INTEGER NOT NULL,
  routing_key     TEXT    NOT NULL,
  headers         TEXT    NOT NULL DEFAULT '{}',
  payload         BLOB    NOT NULL,
  occurred_at     INTEGER NOT NULL,
  published_at    INTEGER,
  attempts        INTEGER NOT NULL DEFAULT 0,
  next_attempt_at INTEGER NOT NULL DEFAULT 0,
  last_error      TEXT,
  UNIQUE (aggregate_type, aggregate_id, aggregate_seq)
) STRICT;
CREATE INDEX outbox_pending ON outbox (id) WHERE published_at IS NULL;
CREATE INDEX outbox_backoff ON outbox (aggregate_type, aggregate_id, aggregate_seq)
  WHERE published_at IS NULL AND attempts > 0;
CREATE INDEX outbox_done ON outbox (published_at) WHERE published_at IS NOT NULL;

CREATE TABLE relay_lease (
  name       TEXT PRIMARY KEY,
  owner      TEXT    NOT NULL,
  epoch      INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE inbox_head (
  consumer       TEXT    NOT NULL,
  source         TEXT    NOT NULL,
  aggregate_type TEXT    NOT NULL,
  aggregate_id   TEXT    NOT NULL,
  last_seq       INTEGER NOT NULL,
  stream_epoch   INTEGER NOT NULL DEFAULT 1,
  updated_at     INTEGER NOT NULL,
  PRIMARY KEY (consumer, source, aggregate_type, aggregate_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE inbox (
  consumer        TEXT    NOT NULL,
  event_id        BLOB    NOT NULL CHECK (length(event_id) = 16),
  source          TEXT    NOT NULL,
  aggregate_type  TEXT    NOT NULL,
  aggregate_id    TEXT    NOT NULL,
  aggregate_seq   INTEGER NOT NULL,
  event_type      TEXT    NOT NULL,
  schema_version  INTEGER NOT NULL,
  status          INTEGER NOT NULL CHECK (status IN (0, 1, 2, 3)),
  attempts        INTEGER NOT NULL DEFAULT 0,
  next_attempt_at INTEGER NOT NULL DEFAULT 0,
  replays         INTEGER NOT NULL DEFAULT 0,
  last_error      TEXT,
  headers         TEXT    NOT NULL DEFAULT '{}',
  payload         BLOB,
  received_at     INTEGER NOT NULL,
  done_at         INTEGER,
  PRIMARY KEY (consumer, event_id),
  UNIQUE (consumer, source, aggregate_type, aggregate_id, aggregate_seq),
  CHECK (status = 1 OR payload IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX inbox_due  ON inbox (consumer, next_attempt_at) WHERE status = 0;
CREATE INDEX inbox_dead ON inbox (consumer, received_at) WHERE status = 2;
CREATE INDEX inbox_gc   ON inbox (done_at) WHERE status = 1;

CREATE TABLE command_dedup (
  caller           TEXT    NOT NULL,
  scope            TEXT    NOT NULL,
  idem_key         TEXT    NOT NULL,
  request_hash     BLOB    NOT NULL,
  response_status  INTEGER,
  response_headers TEXT,
  response_body    BLOB,
  created_at       INTEGER NOT NULL,
  PRIMARY KEY (caller, scope, idem_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX command_dedup_gc     ON command_dedup (created_at);
CREATE INDEX command_dedup_caller ON command_dedup (caller, created_at);

CREATE TABLE undecodable (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  consumer    TEXT    NOT NULL,
  error       TEXT    NOT NULL,
  headers     TEXT    NOT NULL,
  body        BLOB    NOT NULL,
  received_at INTEGER NOT NULL
) STRICT;

CREATE TABLE ops_audit (
  id       BLOB    PRIMARY KEY CHECK (length(id) = 16),
  actor_id TEXT    NOT NULL,
  action   TEXT    NOT NULL,
  target   TEXT    NOT NULL,
  at       INTEGER NOT NULL
) STRICT;
";

// The outbox is written and marked all the time: room for updates in place, and vacuumed by number of rows. Keys have
// the collation "C", so that both databases order them alike and an index needs no locale.
const POSTGRES: &str = r#"
CREATE TABLE outbox (
  id              bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id        uuid    NOT NULL UNIQUE,
  aggregate_type  text    COLLATE "C" NOT NULL,
  aggregate_id    text    COLLATE "C" NOT NULL,
  aggregate_seq   bigint  NOT NULL CHECK (aggregate_seq > 0),
  stream_epoch    integer NOT NULL DEFAULT 1,
  event_type      text    NOT NULL,
  schema_version  integer NOT NULL,
  routing_key     text    NOT NULL CHECK (octet_length(routing_key) <= 255),
  headers         text    NOT NULL DEFAULT '{}',
  payload         bytea   NOT NULL,
  occurred_at     timestamptz NOT NULL,
  published_at    timestamptz,
  attempts        integer NOT NULL DEFAULT 0,
  next_attempt_at timestamptz NOT NULL,
  last_error      text,
  UNIQUE (aggregate_type, aggregate_id, aggregate_seq)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.02);
CREATE INDEX outbox_pending ON outbox (id) WHERE published_at IS NULL;
CREATE INDEX outbox_backoff ON outbox (aggregate_type, aggregate_id, aggregate_seq)
  WHERE published_at IS NULL AND attempts > 0;
CREATE INDEX outbox_done ON outbox (published_at) WHERE published_at IS NOT NULL;

CREATE TABLE relay_lease (
  name       text COLLATE "C" PRIMARY KEY,
  owner      text        NOT NULL,
  epoch      bigint      NOT NULL,
  expires_at timestamptz NOT NULL
);

CREATE TABLE inbox_head (
  consumer       text COLLATE "C" NOT NULL,
  source         text COLLATE "C" NOT NULL,
  aggregate_type text COLLATE "C" NOT NULL,
  aggregate_id   text COLLATE "C" NOT NULL,
  last_seq       bigint      NOT NULL,
  stream_epoch   integer     NOT NULL DEFAULT 1,
  updated_at     timestamptz NOT NULL,
  PRIMARY KEY (consumer, source, aggregate_type, aggregate_id)
) WITH (fillfactor = 70);

CREATE TABLE inbox (
  consumer        text COLLATE "C" NOT NULL,
  event_id        uuid     NOT NULL,
  source          text COLLATE "C" NOT NULL,
  aggregate_type  text COLLATE "C" NOT NULL,
  aggregate_id    text COLLATE "C" NOT NULL,
  aggregate_seq   bigint   NOT NULL,
  event_type      text     NOT NULL,
  schema_version  integer  NOT NULL,
  status          smallint NOT NULL CHECK (status IN (0, 1, 2, 3)),
  attempts        integer  NOT NULL DEFAULT 0,
  next_attempt_at timestamptz NOT NULL,
  replays         integer  NOT NULL DEFAULT 0,
  last_error      text,
  headers         text     NOT NULL DEFAULT '{}',
  payload         bytea,
  received_at     timestamptz NOT NULL,
  done_at         timestamptz,
  PRIMARY KEY (consumer, event_id),
  UNIQUE (consumer, source, aggregate_type, aggregate_id, aggregate_seq),
  CHECK (status = 1 OR payload IS NOT NULL)
);
CREATE INDEX inbox_due  ON inbox (consumer, next_attempt_at) WHERE status = 0;
CREATE INDEX inbox_dead ON inbox (consumer, received_at) WHERE status = 2;
CREATE INDEX inbox_gc   ON inbox (done_at) WHERE status = 1;

CREATE TABLE command_dedup (
  caller           text COLLATE "C" NOT NULL,
  scope            text COLLATE "C" NOT NULL,
  idem_key         text COLLATE "C" NOT NULL,
  request_hash     bytea NOT NULL,
  response_status  integer,
  response_headers text,
  response_body    bytea,
  created_at       timestamptz NOT NULL,
  PRIMARY KEY (caller, scope, idem_key)
);
CREATE INDEX command_dedup_gc     ON command_dedup (created_at);
CREATE INDEX command_dedup_caller ON command_dedup (caller, created_at);

CREATE TABLE undecodable (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  consumer    text   NOT NULL,
  error       text   NOT NULL,
  headers     jsonb  NOT NULL,
  body        bytea  NOT NULL,
  received_at timestamptz NOT NULL
);

CREATE TABLE ops_audit (
  id       uuid PRIMARY KEY,
  actor_id text NOT NULL,
  action   text NOT NULL,
  target   text NOT NULL,
  at       timestamptz NOT NULL
);
"#;
