//! What rotating keys and ending single sessions need: one key at most waits for its turn, and two more reasons why a
//! session ends.

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

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

// SQLite changes no CHECK of a table that exists, so the table is made anew. Its refresh tokens are moved to the new one
// first: dropping a table deletes its rows, and with them whatever refers to them.
const SQLITE: &str = "
CREATE UNIQUE INDEX signing_key_next ON signing_key (state) WHERE state = 'next';

CREATE TABLE session_anew (
  id            BLOB    PRIMARY KEY CHECK (length(id) = 16),
  user_id       BLOB    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  created_at    INTEGER NOT NULL,
  last_used_at  INTEGER NOT NULL,
  absolute_exp  INTEGER NOT NULL,
  revoked_at    INTEGER,
  revoke_reason TEXT CHECK (revoke_reason IN
    ('logout', 'logout_all', 'reused', 'disabled', 'by_user', 'password_changed')),
  user_agent    TEXT,
  ip            TEXT,
  CHECK ((revoked_at IS NULL) = (revoke_reason IS NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO session_anew SELECT * FROM session;

CREATE TABLE refresh_token_anew (
  id           BLOB    PRIMARY KEY CHECK (length(id) = 16),
  session_id   BLOB    NOT NULL REFERENCES session_anew (id) ON DELETE CASCADE,
  hash         BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
  parent_id    BLOB    UNIQUE CHECK (length(parent_id) = 16),
  created_at   INTEGER NOT NULL,
  idle_exp     INTEGER NOT NULL,
  consumed_at  INTEGER,
  successor_ct BLOB,
  CHECK (successor_ct IS NULL OR consumed_at IS NOT NULL)
) STRICT, WITHOUT ROWID;
INSERT INTO refresh_token_anew SELECT * FROM refresh_token;

DROP TABLE refresh_token;
DROP TABLE session;
ALTER TABLE session_anew RENAME TO session;
ALTER TABLE refresh_token_anew RENAME TO refresh_token;

CREATE INDEX session_by_user          ON session (user_id, revoked_at);
CREATE INDEX session_gc               ON session (absolute_exp);
CREATE INDEX refresh_token_by_session ON refresh_token (session_id);
CREATE INDEX refresh_token_gc         ON refresh_token (idle_exp);
CREATE INDEX refresh_token_sealed     ON refresh_token (consumed_at) WHERE successor_ct IS NOT NULL;
";

const POSTGRES: &str = "
CREATE UNIQUE INDEX signing_key_next ON signing_key (state) WHERE state = 'next';
ALTER TABLE session
  DROP CONSTRAINT session_revoke_reason_check,
  ADD CONSTRAINT session_revoke_reason_check CHECK (revoke_reason IN
    ('logout', 'logout_all', 'reused', 'disabled', 'by_user', 'password_changed'));
";
