//! Events that wait: rows of an outbox whose tasks are there already. Rule: they are what Cleave itself writes, each the first of
//! its task's stream; they are written in one transaction, so that all of them wait.

use super::seed::Seed;
use crate::faults::store::{Store, connect};
use contracts::task::v1::TaskCreated;
use contracts::task::{Priority, Status};
use contracts::{Envelope, TaskId, UserId};
use rusqlite::{Connection, params};
use serde_json::json;
use std::fmt::Write;
use std::ops::Range;
use uuid::Uuid;

/// Rows of a statement.
const BATCH: usize = 5_000;
/// Events that are marked at one instant.
const RELAYED: u64 = 256;
const COLUMNS: &str = "event_id, aggregate_type, aggregate_id, aggregate_seq, event_type, schema_version, routing_key, \
                       headers, payload, occurred_at, next_attempt_at";
const TYPE: &str = "'task.created.v1', 1, 'task.task.created.v1'";

/// One of them.
struct Waiting {
    event: Uuid,
    task: Uuid,
    headers: String,
    payload: String,
    at: i64,
}

/// Events of some tasks. The ids of the events are those of the tasks.
fn waiting(seed: &Seed, tasks: Range<u64>) -> impl Iterator<Item = Waiting> {
    tasks.map(|n| {
        let row = seed.row(n);
        let created = TaskCreated {
            task_id: TaskId(row.id),
            title: row.title,
            status: Status::Todo,
            priority: Priority::None,
            creator_id: UserId(row.creator),
            assignee_id: row.assignee.map(UserId),
            category_id: None,
            due_at: None,
        };
        let (trace, at) = (row.id.as_simple().to_string(), row.at.timestamp_micros());
        let traceparent = format!("00-{trace}-{}-01", &trace[..16]);
        let headers = json!({"correlationid": row.id, "traceparent": traceparent, "authid": row.creator}).to_string();
        let payload = serde_json::to_string(&created).expect("plain fields");
        Waiting { event: row.id, task: row.id, headers, payload, at }
    })
}

/// Puts those of some tasks into the task domain's outbox.
///
/// # Panics
/// When the database refuses.
pub async fn fill(store: &Store, seed: &Seed, tasks: Range<u64>) {
    match store {
        Store::File(file) => {
            let mut connection = Connection::open(file).expect("the file");
            let writing = connection.transaction().expect("a transaction");
            let insert = format!("INSERT INTO outbox ({COLUMNS}) VALUES (?1, 'task', ?2, 1, {TYPE}, ?3, ?4, ?5, 0)");
            let mut statement = writing.prepare(&insert).expect("the table");
            for Waiting { event, task, headers, payload, at } in waiting(seed, tasks) {
                let row = params![event, task.to_string(), headers, payload.into_bytes(), at];
                statement.execute(row).expect("a row");
            }
            drop(statement);
            writing.commit().expect("a commit");
        }
        Store::Schema { url, schema } => {
            let client = connect(url).await.expect("the database");
            let all: Vec<Waiting> = waiting(seed, tasks).collect();
            client.batch_execute("BEGIN").await.expect("a transaction");
            for batch in all.chunks(BATCH) {
                let mut insert = format!("INSERT INTO {schema}.outbox ({COLUMNS}) VALUES ");
                for (nth, Waiting { event, task, headers, payload, at }) in batch.iter().enumerate() {
                    let comma = if nth == 0 { "" } else { "," };
                    let at = format!("to_timestamp({at} / 1000000.0)");
                    let row = format!("'{event}','task','{task}',1,{TYPE},'{headers}','{payload}',{at},'epoch'");
                    write!(insert, "{comma}({row})").expect("text");
                }
                client.batch_execute(&insert).await.expect("rows");
            }
            client.batch_execute(&format!("ANALYZE {schema}.outbox; COMMIT")).await.expect("statistics");
        }
    }
}

/// Says of all that waits that it was published and heard, a batch of the relay each second, the last just now.
///
/// # Panics
/// When the database refuses.
pub async fn age(from: &Store, to: &Store) {
    let taken = |to: &str, from: &str, when: &str, at_once: &str| {
        let waiting = format!(
            "FROM (SELECT *, {when} AS at FROM (SELECT *, (row_number() OVER (ORDER BY id DESC) - 1) / {RELAYED} AS ago \
             FROM {from}outbox WHERE published_at IS NULL) AS numbered) AS waiting"
        );
        format!(
            "INSERT INTO {to}inbox (consumer, event_id, source, aggregate_type, aggregate_id, aggregate_seq, event_type, \
             schema_version, status, attempts, next_attempt_at, replays, headers, received_at, done_at) \
             SELECT 'notification', event_id, 'task', aggregate_type, aggregate_id, aggregate_seq, event_type, \
             schema_version, 1, 0, {at_once}, 0, headers, at, at {waiting}; \
             INSERT INTO {to}inbox_head (consumer, source, aggregate_type, aggregate_id, last_seq, updated_at) \
             SELECT 'notification', 'task', aggregate_type, aggregate_id, aggregate_seq, at {waiting}; \
             UPDATE {from}outbox SET published_at = aged.at FROM (SELECT id, at {waiting}) AS aged \
             WHERE outbox.id = aged.id;"
        )
    };
    match (from, to) {
        (Store::File(from), Store::File(to)) => {
            let connection = Connection::open(from).expect("the file");
            connection.execute("ATTACH ?1 AS consumer", [to.display().to_string()]).expect("the other file");
            let when = "CAST(unixepoch('subsec') * 1000000 AS INTEGER) - ago * 1000000";
            let sql = format!("BEGIN; {} COMMIT", taken("consumer.", "main.", when, "0"));
            connection.execute_batch(&sql).expect("rows");
            drop(connection);
            // Otherwise what is measured next waits for these bytes to reach the disk.
            for file in [from, to] {
                std::fs::File::open(file).and_then(|file| file.sync_all()).expect("a disk");
            }
        }
        (Store::Schema { url, schema: from }, Store::Schema { schema: to, .. }) => {
            let client = connect(url).await.expect("the database");
            let sql = taken(&format!("{to}."), &format!("{from}."), "now() - ago * interval '1 second'", "'epoch'");
            let known = format!("ANALYZE {to}.inbox; ANALYZE {to}.inbox_head; ANALYZE {from}.outbox; CHECKPOINT");
            client.batch_execute(&format!("BEGIN; {sql} COMMIT; {known}")).await.expect("rows");
        }
        _ => unreachable!("both are in files, or both at a server"),
    }
}

/// One of them as it is published.
///
/// # Panics
/// Never: what stands here is an event.
#[must_use]
pub fn event() -> Envelope {
    let id = "019b76da-a800-74e2-b496-ed8a6cd71049";
    let created = json!({
        "task_id": id, "title": "Task 12345 of those that were there before", "status": "todo", "priority": "none",
        "creator_id": id, "assignee_id": null, "category_id": null, "due_at": null,
    });
    let envelope = json!({
        "specversion": "1.0", "id": id, "source": "/services/task", "type": "task.created.v1",
        "subject": format!("task/{id}"), "time": "2026-01-01T00:00:00.000187Z", "datacontenttype": "application/json",
        "dataschema": "urn:cleave:schema:task.created.v1", "correlationid": id,
        "traceparent": "00-019b76daa80074e2b496ed8a6cd71049-019b76daa80074e2-01", "partitionkey": id, "sequence": "1",
        "streamepoch": 1, "authid": id, "data": created,
    });
    Envelope::from_bytes(envelope.to_string().as_bytes()).expect("an event")
}
