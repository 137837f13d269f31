//! Tasks, categories and what the domain knows of users. Rule: strict tables, and every index serves a list or a
//! look-up that exists.

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
            other => Err(DbErr::Migration(format!("there are no task tables for {other:?}"))),
        }
    }

    // All or nothing, also on SQLite: a half-made schema could not be migrated again.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

// `priority` is the rank, so that it sorts by rank. `labels` is what a page shows, in the order given; `task_label`
// is the same set the other way round, for the filter: a JSON column cannot be indexed alike in both databases.
// The reference to a category lets the database refuse what two writers could otherwise do between them: file a task
// under a category while it is being deleted.
const SQLITE: &str = "
CREATE TABLE category (
  id          BLOB    PRIMARY KEY CHECK (length(id) = 16),
  owner_id    BLOB    NOT NULL CHECK (length(owner_id) = 16),
  name        TEXT    NOT NULL,
  color       TEXT,
  description TEXT,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  version     INTEGER NOT NULL CHECK (version > 0),
  UNIQUE (owner_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE task (
  id           BLOB    PRIMARY KEY CHECK (length(id) = 16),
  title        TEXT    NOT NULL,
  description  TEXT,
  status       TEXT    NOT NULL CHECK (status IN ('todo', 'in_progress', 'done', 'cancelled')),
  priority     INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 4),
  category_id  BLOB    REFERENCES category (id),
  labels       TEXT    NOT NULL DEFAULT '[]',
  creator_id   BLOB    NOT NULL CHECK (length(creator_id) = 16),
  assignee_id  BLOB    CHECK (length(assignee_id) = 16),
  due_at       INTEGER,
  remind_at    INTEGER,
  completed_at INTEGER,
  completed_by BLOB    CHECK (length(completed_by) = 16),
  created_at   INTEGER NOT NULL,
  updated_at   INTEGER NOT NULL,
  version      INTEGER NOT NULL CHECK (version > 0),
  event_seq    INTEGER NOT NULL CHECK (event_seq > 0),
  CHECK ((completed_at IS NULL) = (completed_by IS NULL)),
  CHECK ((completed_at IS NOT NULL) = (status = 'done'))
) STRICT, WITHOUT ROWID;
CREATE INDEX task_by_creator  ON task (creator_id, created_at, id);
CREATE INDEX task_by_assignee ON task (assignee_id, created_at, id) WHERE assignee_id IS NOT NULL;
CREATE INDEX task_by_category ON task (category_id) WHERE category_id IS NOT NULL;
CREATE INDEX task_by_created  ON task (created_at, id);

CREATE TABLE task_label (
  label   TEXT NOT NULL,
  task_id BLOB NOT NULL REFERENCES task (id) ON DELETE CASCADE,
  PRIMARY KEY (label, task_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX task_label_by_task ON task_label (task_id);

CREATE TABLE user_projection (
  user_id    BLOB    PRIMARY KEY CHECK (length(user_id) = 16),
  is_active  INTEGER NOT NULL CHECK (is_active IN (0, 1)),
  deleted_at INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE user_erasure (
  user_id        BLOB    PRIMARY KEY CHECK (length(user_id) = 16),
  event_id       BLOB    NOT NULL CHECK (length(event_id) = 16),
  correlation_id TEXT,
  requested_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

// The collation "C" orders and compares by bytes, as SQLite does.
const POSTGRES: &str = r#"
CREATE TABLE category (
  id          uuid   PRIMARY KEY,
  owner_id    uuid   NOT NULL,
  name        text   COLLATE "C" NOT NULL,
  color       text,
  description text,
  created_at  timestamptz NOT NULL,
  updated_at  timestamptz NOT NULL,
  version     bigint NOT NULL CHECK (version > 0),
  UNIQUE (owner_id, name)
);

CREATE TABLE task (
  id           uuid     PRIMARY KEY,
  title        text     COLLATE "C" NOT NULL,
  description  text,
  status       text     COLLATE "C" NOT NULL CHECK (status IN ('todo', 'in_progress', 'done', 'cancelled')),
  priority     smallint NOT NULL CHECK (priority BETWEEN 0 AND 4),
  category_id  uuid     REFERENCES category (id),
  labels       jsonb    NOT NULL DEFAULT '[]',
  creator_id   uuid     NOT NULL,
  assignee_id  uuid,
  due_at       timestamptz,
  remind_at    timestamptz,
  completed_at timestamptz,
  completed_by uuid,
  created_at   timestamptz NOT NULL,
  updated_at   timestamptz NOT NULL,
  version      bigint   NOT NULL CHECK (version > 0),
  event_seq    bigint   NOT NULL CHECK (event_seq > 0),
  CHECK ((completed_at IS NULL) = (completed_by IS NULL)),
  CHECK ((completed_at IS NOT NULL) = (status = 'done'))
);
CREATE INDEX task_by_creator  ON task (creator_id, created_at, id);
CREATE INDEX task_by_assignee ON task (assignee_id, created_at, id) WHERE assignee_id IS NOT NULL;
CREATE INDEX task_by_category ON task (category_id) WHERE category_id IS NOT NULL;
CREATE INDEX task_by_created  ON task (created_at, id);

CREATE TABLE task_label (
  label   text COLLATE "C" NOT NULL,
  task_id uuid NOT NULL REFERENCES task (id) ON DELETE CASCADE,
  PRIMARY KEY (label, task_id)
);
CREATE INDEX task_label_by_task ON task_label (task_id);

CREATE TABLE user_projection (
  user_id    uuid    PRIMARY KEY,
  is_active  boolean NOT NULL,
  deleted_at timestamptz,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);

CREATE TABLE user_erasure (
  user_id        uuid PRIMARY KEY,
  event_id       uuid NOT NULL,
  correlation_id text,
  requested_at   timestamptz NOT NULL
);
"#;
