//! Accounts, sessions, signing keys and revocations. Rule: what must be unique is unique here, so that the database
//! decides between two writers.

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
            other => Err(DbErr::Migration(format!("there are no user tables for {other:?}"))),
        }
    }

    // All or nothing, also on SQLite: a half-made schema could not be migrated again.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

// `users` is plural because `user` is a reserved word in PostgreSQL. `email` is what was given, `email_canonical`
// what is unique. `search_text` is lowered by the application: the databases lower letters outside ASCII differently.
// A revocation names no row by a reference: it must outlive the deleted account.
const SQLITE: &str = "
CREATE TABLE users (
  id              BLOB    PRIMARY KEY CHECK (length(id) = 16),
  username        TEXT    NOT NULL UNIQUE,
  email           TEXT    NOT NULL,
  email_canonical TEXT    NOT NULL UNIQUE,
  display_name    TEXT,
  timezone        TEXT    NOT NULL,
  role            TEXT    NOT NULL CHECK (role IN ('user', 'admin')),
  is_active       INTEGER NOT NULL CHECK (is_active IN (0, 1)),
  email_verified  INTEGER NOT NULL CHECK (email_verified IN (0, 1)),
  password_hash   TEXT    NOT NULL,
  token_epoch     INTEGER NOT NULL CHECK (token_epoch > 0),
  search_text     TEXT    NOT NULL,
  created_at      INTEGER NOT NULL,
  updated_at      INTEGER NOT NULL,
  version         INTEGER NOT NULL CHECK (version > 0),
  event_seq       INTEGER NOT NULL CHECK (event_seq > 0)
) STRICT, WITHOUT ROWID;
CREATE INDEX users_by_created ON users (created_at, id);
CREATE INDEX users_admins     ON users (id) WHERE role = 'admin';

CREATE TABLE session (
  id            BLOB    PRIMARY KEY CHECK (length(id) = 16),
  user_id       BLOB    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  created_at    INTEGER NOT NULL,
  last_used_at  INTEGER NOT NULL,
  absolute_exp  INTEGER NOT NULL,
  revoked_at    INTEGER,
  revoke_reason TEXT CHECK (revoke_reason IN ('logout', 'logout_all', 'reused', 'disabled')),
  user_agent    TEXT,
  ip            TEXT,
  CHECK ((revoked_at IS NULL) = (revoke_reason IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX session_by_user ON session (user_id, revoked_at);
CREATE INDEX session_gc      ON session (absolute_exp);

CREATE TABLE refresh_token (
  id           BLOB    PRIMARY KEY CHECK (length(id) = 16),
  session_id   BLOB    NOT NULL REFERENCES session (id) ON DELETE CASCADE,
  hash         BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
  parent_id    BLOB    UNIQUE CHECK (length(parent_id) = 16),
  created_at   INTEGER NOT NULL,
  idle_exp     INTEGER NOT NULL,
  consumed_at  INTEGER,
  successor_ct BLOB,
  CHECK (successor_ct IS NULL OR consumed_at IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_token_by_session ON refresh_token (session_id);
CREATE INDEX refresh_token_gc         ON refresh_token (idle_exp);
CREATE INDEX refresh_token_sealed     ON refresh_token (consumed_at) WHERE successor_ct IS NOT NULL;

CREATE TABLE signing_key (
  kid          TEXT    PRIMARY KEY,
  state        TEXT    NOT NULL CHECK (state IN ('next', 'active', 'retired')),
  public_jwk   TEXT    NOT NULL,
  private_ct   BLOB    NOT NULL,
  created_at   INTEGER NOT NULL,
  activated_at INTEGER,
  retired_at   INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX signing_key_active ON signing_key (state) WHERE state = 'active';

CREATE TABLE revocation (
  n           INTEGER PRIMARY KEY AUTOINCREMENT,
  session_id  BLOB    CHECK (length(session_id) = 16),
  user_id     BLOB    CHECK (length(user_id) = 16),
  min_epoch   INTEGER,
  valid_until INTEGER NOT NULL,
  CHECK ((session_id IS NULL) <> (user_id IS NULL)),
  CHECK ((user_id IS NULL) = (min_epoch IS NULL))
) STRICT;
CREATE INDEX revocation_gc ON revocation (valid_until);
";

// The collation "C" orders and compares by bytes, as SQLite does.
// Whoever follows the revocations asks for what has a greater number than the last one seen. So a number is given
// under a lock that is held to the commit: otherwise a later number could be seen first and an earlier one be missed.
const POSTGRES: &str = r#"
CREATE TABLE users (
  id              uuid    PRIMARY KEY,
  username        text    COLLATE "C" NOT NULL UNIQUE,
  email           text    COLLATE "C" NOT NULL,
  email_canonical text    COLLATE "C" NOT NULL UNIQUE,
  display_name    text,
  timezone        text    NOT NULL,
  role            text    COLLATE "C" NOT NULL CHECK (role IN ('user', 'admin')),
  is_active       boolean NOT NULL,
  email_verified  boolean NOT NULL,
  password_hash   text    NOT NULL,
  token_epoch     integer NOT NULL CHECK (token_epoch > 0),
  search_text     text    COLLATE "C" NOT NULL,
  created_at      timestamptz NOT NULL,
  updated_at      timestamptz NOT NULL,
  version         bigint  NOT NULL CHECK (version > 0),
  event_seq       bigint  NOT NULL CHECK (event_seq > 0)
);
CREATE INDEX users_by_created ON users (created_at, id);
CREATE INDEX users_admins     ON users (id) WHERE role = 'admin';

CREATE TABLE session (
  id            uuid PRIMARY KEY,
  user_id       uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  created_at    timestamptz NOT NULL,
  last_used_at  timestamptz NOT NULL,
  absolute_exp  timestamptz NOT NULL,
  revoked_at    timestamptz,
  revoke_reason text CHECK (revoke_reason IN ('logout', 'logout_all', 'reused', 'disabled')),
  user_agent    text,
  ip            text,
  CHECK ((revoked_at IS NULL) = (revoke_reason IS NULL))
);
CREATE INDEX session_by_user ON session (user_id, revoked_at);
CREATE INDEX session_gc      ON session (absolute_exp);

CREATE TABLE refresh_token (
  id           uuid  PRIMARY KEY,
  session_id   uuid  NOT NULL REFERENCES session (id) ON DELETE CASCADE,
  hash         bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
  parent_id    uuid  UNIQUE,
  created_at   timestamptz NOT NULL,
  idle_exp     timestamptz NOT NULL,
  consumed_at  timestamptz,
  successor_ct bytea,
  CHECK (successor_ct IS NULL OR consumed_at IS NOT NULL)
);
CREATE INDEX refresh_token_by_session ON refresh_token (session_id);
CREATE INDEX refresh_token_gc         ON refresh_token (idle_exp);
CREATE INDEX refresh_token_sealed     ON refresh_token (consumed_at) WHERE successor_ct IS NOT NULL;

CREATE TABLE signing_key (
  kid          text  COLLATE "C" PRIMARY KEY,
  state        text  COLLATE "C" NOT NULL CHECK (state IN ('next', 'active', 'retired')),
  public_jwk   text  NOT NULL,
  private_ct   bytea NOT NULL,
  created_at   timestamptz NOT NULL,
  activated_at timestamptz,
  retired_at   timestamptz
);
CREATE UNIQUE INDEX signing_key_active ON signing_key (state) WHERE state = 'active';

CREATE TABLE revocation (
  n           bigint PRIMARY KEY,
  session_id  uuid,
  user_id     uuid,
  min_epoch   integer,
  valid_until timestamptz NOT NULL,
  CHECK ((session_id IS NULL) <> (user_id IS NULL)),
  CHECK ((user_id IS NULL) = (min_epoch IS NULL))
);
CREATE INDEX revocation_gc ON revocation (valid_until);
CREATE SEQUENCE revocation_n OWNED BY revocation.n;
CREATE FUNCTION revocation_in_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(TG_TABLE_SCHEMA || '.revocation', 0));
  NEW.n := nextval(format('%I.revocation_n', TG_TABLE_SCHEMA)::regclass);
  RETURN NEW;
END
$$;
CREATE TRIGGER revocation_in_order BEFORE INSERT ON revocation FOR EACH ROW EXECUTE FUNCTION revocation_in_order();
"#;
