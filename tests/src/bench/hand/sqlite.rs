//! On a file: each worker reads on its own thread and connection, and one thread writes: as many as wait, in one transaction, with
//! `synchronous=FULL`. Rule: who is answered was committed; where one of a group fails, each is written alone.

use super::task::{COLUMNS, Headers, Kept, Task, Writing, priority, rank};
use super::token::Caller;
use super::{Failed, Rows, listen};
use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};
use std::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;
use uuid::Uuid;

/// Writes that share a commit, at most.
const GROUP: usize = 256;
/// Statements that a connection keeps prepared.
const STATEMENTS: usize = 16;

/// A write on its way.
struct Job {
    writing: Writing,
    done: oneshot::Sender<Result<Option<Kept>, String>>,
}

/// What one worker has.
struct Worker {
    reader: Connection,
    writer: Sender<Job>,
}

pub(super) async fn serve(port: u16, file: String, keys: String) -> std::io::Result<()> {
    let (writer, jobs) = channel();
    let own = open(&file);
    std::thread::spawn(move || write(own, &jobs));
    listen(port, keys, move || {
        let worker = Worker { reader: open(&file), writer: writer.clone() };
        async move { worker }
    })
    .await
}

fn open(file: &str) -> Connection {
    let connection = Connection::open(file).expect("the file");
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    let pragmas = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; \
                   PRAGMA wal_autocheckpoint=10000; PRAGMA busy_timeout=5000";
    connection.execute_batch(pragmas).expect("its settings");
    // A statement with `LIMIT ?` is planned anew each time otherwise.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).expect("its settings");
    connection
}

/// Writes until nobody is left who asks.
fn write(mut connection: Connection, jobs: &Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
        let group: Vec<Job> = std::iter::once(first).chain(jobs.try_iter()).take(GROUP).collect();
        let Ok(outcomes) = together(&mut connection, &group) else {
            for job in group {
                let alone = together(&mut connection, std::slice::from_ref(&job));
                let outcome = alone.map(|mut outcomes| outcomes.pop().flatten());
                // Nobody may be waiting any more.
                let _ = job.done.send(outcome.map_err(|error| error.to_string()));
            }
            continue;
        };
        for (job, outcome) in group.into_iter().zip(outcomes) {
            let _ = job.done.send(Ok(outcome));
        }
    }
}

fn together(connection: &mut Connection, group: &[Job]) -> Result<Vec<Option<Kept>>, Failed> {
    let writing = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let outcomes = group.iter().map(|job| keep(&writing, &job.writing)).collect::<Result<_, _>>()?;
    writing.commit()?;
    Ok(outcomes)
}

fn keep(connection: &Connection, writing: &Writing) -> Result<Option<Kept>, Failed> {
    let Writing { task, event, key, answer } = writing;
    let at = task.created_at.timestamp_micros();
    if let Some(key) = key {
        let find = "SELECT request_hash, response_headers, response_body FROM command_dedup \
                    WHERE caller = ?1 AND scope = ?2 AND idem_key = ?3";
        let mut find = connection.prepare_cached(find)?;
        let row = |row: &Row<'_>| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, String>(1)?, row.get::<_, Vec<u8>>(2)?));
        if let Some((hash, headers, answer)) =
            find.query_row(params![key.caller, key.scope, key.key], row).optional()?
        {
            let Headers { location, etag } = serde_json::from_str(&headers)?;
            return Ok(Some(Kept { is_same: hash == key.request_hash, location, tag: etag, answer }));
        }
        let keep = "INSERT INTO command_dedup (caller, scope, idem_key, request_hash, response_status, \
                    response_headers, response_body, created_at) VALUES (?1, ?2, ?3, ?4, 201, ?5, ?6, ?7)";
        let row = params![key.caller, key.scope, key.key, key.request_hash, writing.headers(), answer, at];
        connection.prepare_cached(keep)?.execute(row)?;
    }
    let make = "INSERT INTO task (id, title, description, status, priority, creator_id, created_at, updated_at, \
                version, event_seq) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, 1, 1)";
    let row = params![task.id, task.title, task.description, task.status, rank(task.priority), task.creator_id, at];
    connection.prepare_cached(make)?.execute(row)?;
    let emit = "INSERT INTO outbox (event_id, aggregate_type, aggregate_id, aggregate_seq, event_type, \
                schema_version, routing_key, headers, payload, occurred_at) \
                VALUES (?1, 'task', ?2, ?3, 'task.created.v1', 1, 'task.task.created.v1', ?4, ?5, ?6)";
    let row = params![event.id, event.aggregate_id, event.sequence, event.headers, event.payload, at];
    connection.prepare_cached(emit)?.execute(row)?;
    Ok(None)
}

impl Rows for Worker {
    async fn one(&self, id: Uuid, by: &Caller) -> Result<Option<Task>, Failed> {
        let find = format!("SELECT {COLUMNS} FROM task WHERE id = ?1 AND (?2 OR creator_id = ?3 OR assignee_id = ?3)");
        let mut find = self.reader.prepare_cached(&find)?;
        Ok(find.query_row(params![id, by.is_admin, by.id], read).optional()?)
    }

    async fn newest(&self, by: &Caller, limit: i64) -> Result<Vec<Task>, Failed> {
        let order = "ORDER BY created_at DESC, id DESC LIMIT ?2";
        let find = if by.is_admin {
            format!("SELECT {COLUMNS} FROM task WHERE ?1 IS NOT NULL {order}")
        } else {
            let some = |filter: &str| format!("SELECT * FROM (SELECT {COLUMNS} FROM task WHERE {filter} {order})");
            let (made, to_do) = (some("creator_id = ?1"), some("assignee_id = ?1 AND creator_id <> ?1"));
            format!("SELECT * FROM ({made} UNION ALL {to_do}) {order}")
        };
        let mut find = self.reader.prepare_cached(&find)?;
        let found = find.query_map(params![by.id, limit + 1], read)?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    async fn keep(&self, writing: Writing) -> Result<Option<Kept>, Failed> {
        let (done, outcome) = oneshot::channel();
        self.writer.send(Job { writing, done })?;
        Ok(outcome.await??)
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Task> {
    let labels: String = row.get(6)?;
    let instant = |at: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(at)?.map(instant));
    Ok(Task {
        id: row.get(0)?,
        title: row.get(1)?,
        description: row.get(2)?,
        status: row.get(3)?,
        priority: priority(row.get(4)?),
        category_id: row.get(5)?,
        labels: serde_json::from_str(&labels).unwrap_or_default(),
        creator_id: row.get(7)?,
        assignee_id: row.get(8)?,
        due_at: instant(9)?,
        remind_at: instant(10)?,
        completed_at: instant(11)?,
        completed_by: row.get(12)?,
        created_at: instant(13)?.unwrap_or_default(),
        updated_at: instant(14)?.unwrap_or_default(),
        version: row.get(15)?,
    })
}

fn instant(micros: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::microseconds(micros)
}
