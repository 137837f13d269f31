//! Notifications, their deliveries and whom they may be for. Rule: strict tables, and every index serves a list, a
//! count or a look-up that exists.

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
            other => Err(DbErr::Migration(format!("there are no notification tables for {other:?}"))),
        }
    }

    // All or nothing, also on SQLite: a half-made schema could not be migrated again.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

// A recipient's profile is null in a tombstone and only there. `erase_pending` marks a tombstone whose notifications
// did not all fit into the transaction that made it.
// A notification does not refer to `recipient`: a task's event may be heard before the one of the user's creation.
// All states of the API are allowed from the start, because SQLite cannot widen a check later.
// `notification_inbox` holds what the inbox and its two counts look at, so that counting reads no row; its condition
// names no value, so that a statement with bound parameters finds it.
const SQLITE: &str = "
CREATE TABLE recipient (
  id            BLOB    PRIMARY KEY CHECK (length(id) = 16),
  username      TEXT,
  email         TEXT,
  display_name  TEXT,
  timezone      TEXT,
  is_active     INTEGER CHECK (is_active IN (0, 1)),
  deleted_at    INTEGER,
  erase_pending INTEGER NOT NULL DEFAULT 0 CHECK (erase_pending IN (0, 1)),
  created_at    INTEGER NOT NULL,
  updated_at    INTEGER NOT NULL,
  CHECK (deleted_at IS NOT NULL OR (username IS NOT NULL AND email IS NOT NULL AND timezone IS NOT NULL
                                    AND is_active IS NOT NULL AND erase_pending = 0)),
  CHECK (deleted_at IS NULL OR (username IS NULL AND email IS NULL AND display_name IS NULL AND timezone IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX recipient_erase_pending ON recipient (id) WHERE erase_pending = 1;

CREATE TABLE notification (
  id                BLOB    PRIMARY KEY CHECK (length(id) = 16),
  recipient_id      BLOB    NOT NULL CHECK (length(recipient_id) = 16),
  created_by        BLOB    CHECK (length(created_by) = 16),
  category          TEXT,
  title             TEXT    NOT NULL,
  body              TEXT,
  action_url        TEXT,
  channels          TEXT    NOT NULL,
  state             TEXT    NOT NULL CHECK (state IN ('draft', 'scheduled', 'queued', 'sent', 'partially_sent',
                                                      'failed', 'suppressed', 'cancelled')),
  sent_at           INTEGER,
  read_at           INTEGER,
  archived_at       INTEGER,
  source_event_id   BLOB    CHECK (length(source_event_id) = 16),
  source_event_type TEXT,
  created_at        INTEGER NOT NULL,
  updated_at        INTEGER NOT NULL,
  version           INTEGER NOT NULL CHECK (version > 0),
  event_seq         INTEGER NOT NULL CHECK (event_seq >= 0),
  UNIQUE (source_event_id, recipient_id),
  CHECK ((source_event_id IS NULL) = (source_event_type IS NULL)),
  CHECK (state <> 'draft' OR sent_at IS NULL),
  CHECK (state <> 'sent' OR sent_at IS NOT NULL),
  CHECK (sent_at IS NOT NULL OR (read_at IS NULL AND archived_at IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX notification_by_recipient ON notification (recipient_id, created_at, id);
CREATE INDEX notification_inbox ON notification (recipient_id, created_at, id, read_at, sent_at, archived_at)
  WHERE sent_at IS NOT NULL AND archived_at IS NULL;
CREATE INDEX notification_unsent_by_author ON notification (created_by) WHERE sent_at IS NULL;

CREATE TABLE delivery (
  id              BLOB    PRIMARY KEY CHECK (length(id) = 16),
  notification_id BLOB    NOT NULL REFERENCES notification (id) ON DELETE CASCADE,
  channel         TEXT    NOT NULL,
  state           TEXT    NOT NULL,
  attempts        INTEGER NOT NULL DEFAULT 0,
  last_error      TEXT,
  next_retry_at   INTEGER,
  delivered_at    INTEGER,
  UNIQUE (notification_id, channel)
) STRICT, WITHOUT ROWID;

CREATE VIEW notification_view AS
SELECT n.*,
       (SELECT json_group_array(json_object('channel', d.channel, 'state', d.state, 'attempts', d.attempts,
                                            'last_error', d.last_error, 'next_retry_at', d.next_retry_at,
                                            'delivered_at', d.delivered_at))
          FROM (SELECT * FROM delivery WHERE notification_id = n.id ORDER BY channel) d) AS deliveries
  FROM notification n;
";

// As above. The view's JSON is text with instants as microseconds, as SQLite keeps them, so that one reader serves both.
const POSTGRES: &str = r#"
CREATE TABLE recipient (
  id            uuid    PRIMARY KEY,
  username      text,
  email         text,
  display_name  text,
  timezone      text,
  is_active     boolean,
  deleted_at    timestamptz,
  erase_pending boolean NOT NULL DEFAULT false,
  created_at    timestamptz NOT NULL,
  updated_at    timestamptz NOT NULL,
  CHECK (deleted_at IS NOT NULL OR (username IS NOT NULL AND email IS NOT NULL AND timezone IS NOT NULL
                                    AND is_active IS NOT NULL AND NOT erase_pending)),
  CHECK (deleted_at IS NULL OR (username IS NULL AND email IS NULL AND display_name IS NULL AND timezone IS NULL))
);
CREATE INDEX recipient_erase_pending ON recipient (id) WHERE erase_pending;

CREATE TABLE notification (
  id                uuid   PRIMARY KEY,
  recipient_id      uuid   NOT NULL,
  created_by        uuid,
  category          text   COLLATE "C",
  title             text   NOT NULL,
  body              text,
  action_url        text,
  channels          text   NOT NULL,
  state             text   COLLATE "C" NOT NULL
                    CHECK (state IN ('draft', 'scheduled', 'queued', 'sent', 'partially_sent',
                                     'failed', 'suppressed', 'cancelled')),
  sent_at           timestamptz,
  read_at           timestamptz,
  archived_at       timestamptz,
  source_event_id   uuid,
  source_event_type text,
  created_at        timestamptz NOT NULL,
  updated_at        timestamptz NOT NULL,
  version           bigint NOT NULL CHECK (version > 0),
  event_seq         bigint NOT NULL CHECK (event_seq >= 0),
  UNIQUE (source_event_id, recipient_id),
  CHECK ((source_event_id IS NULL) = (source_event_type IS NULL)),
  CHECK (state <> 'draft' OR sent_at IS NULL),
  CHECK (state <> 'sent' OR sent_at IS NOT NULL),
  CHECK (sent_at IS NOT NULL OR (read_at IS NULL AND archived_at IS NULL))
);
CREATE INDEX notification_by_recipient ON notification (recipient_id, created_at, id);
CREATE INDEX notification_inbox ON notification (recipient_id, created_at, id, read_at, sent_at, archived_at)
  WHERE sent_at IS NOT NULL AND archived_at IS NULL;
CREATE INDEX notification_unsent_by_author ON notification (created_by) WHERE sent_at IS NULL;

CREATE TABLE delivery (
  id              uuid    PRIMARY KEY,
  notification_id uuid    NOT NULL REFERENCES notification (id) ON DELETE CASCADE,
  channel         text    COLLATE "C" NOT NULL,
  state           text    NOT NULL,
  attempts        integer NOT NULL DEFAULT 0,
  last_error      text,
  next_retry_at   timestamptz,
  delivered_at    timestamptz,
  UNIQUE (notification_id, channel)
);

CREATE VIEW notification_view AS
SELECT n.*,
       (SELECT coalesce(json_agg(json_build_object('channel', d.channel, 'state', d.state, 'attempts', d.attempts,
                                                   'last_error', d.last_error,
                                                   'next_retry_at',
                                                   (extract(epoch FROM d.next_retry_at) * 1000000)::bigint,
                                                   'delivered_at',
                                                   (extract(epoch FROM d.delivered_at) * 1000000)::bigint)
                                 ORDER BY d.channel), '[]')::text
          FROM delivery d WHERE d.notification_id = n.id) AS deliveries
  FROM notification n;
"#;
