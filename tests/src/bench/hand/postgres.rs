//! On PostgreSQL: some connections for each worker, on its own thread; statements that were prepared at the start; requests
//! pipelined; one statement for each write, which is its own transaction. Rule: no round trip that could be spared.

use super::task::{COLUMNS, Headers, Kept, Key, Task, Writing, priority, rank};
use super::token::Caller;
use super::{Failed, Rows, listen};
use futures_util::future::try_join_all;
use std::cell::Cell;
use tokio_postgres::types::Json;
use tokio_postgres::{Client, NoTls, Row, Statement};
use uuid::Uuid;

/// Connections of a worker.
const CONNECTIONS: usize = 4;

/// What one worker has.
struct Worker {
    lanes: Vec<Lane>,
    turn: Cell<usize>,
}

/// A connection and its statements.
struct Lane {
    client: Client,
    one: Statement,
    newest: Statement,
    newest_of_all: Statement,
    keep: Statement,
    keep_once: Statement,
    kept: Statement,
}

pub(super) async fn serve(port: u16, url: String, keys: String) -> std::io::Result<()> {
    listen(port, keys, move || {
        let url = url.clone();
        async move {
            let lanes = try_join_all((0..CONNECTIONS).map(|_| Lane::open(&url))).await.expect("the database");
            Worker { lanes, turn: Cell::new(0) }
        }
    })
    .await
}

impl Lane {
    async fn open(url: &str) -> Result<Self, tokio_postgres::Error> {
        let (client, wire) = tokio_postgres::connect(url, NoTls).await?;
        actix_web::rt::spawn(wire);
        client.batch_execute("SET search_path TO task").await?;
        let newest = |filter: &str| {
            format!("(SELECT {COLUMNS} FROM task WHERE {filter} ORDER BY created_at DESC, id DESC LIMIT $2)")
        };
        let (made, to_do) = (newest("creator_id = $1"), newest("assignee_id = $1 AND creator_id <> $1"));
        let newest = format!(
            "SELECT {COLUMNS} FROM ({made} UNION ALL {to_do}) AS mine ORDER BY created_at DESC, id DESC LIMIT $2"
        );
        let newest_of_all = format!("SELECT {COLUMNS} FROM task ORDER BY created_at DESC, id DESC LIMIT $1");
        let one = format!("SELECT {COLUMNS} FROM task WHERE id = $1 AND ($2 OR creator_id = $3 OR assignee_id = $3)");
        let keep = keeping(&format!("VALUES ({TASK_VALUES})"), &format!("VALUES ({EVENT_VALUES})"));
        let once = keeping(&format!("SELECT {TASK_VALUES} FROM kept"), &format!("SELECT {EVENT_VALUES} FROM kept"));
        let keep_once = format!(
            "WITH kept AS (INSERT INTO command_dedup (caller, scope, idem_key, request_hash, response_status, \
             response_headers, response_body, created_at) VALUES ($13, $14, $15, $16, 201, $17, $18, $6) \
             ON CONFLICT DO NOTHING RETURNING 1), {}",
            once.trim_start_matches("WITH ")
        );
        let kept = "SELECT request_hash, response_headers, response_body FROM command_dedup \
                    WHERE caller = $1 AND scope = $2 AND idem_key = $3";
        Ok(Self {
            one: client.prepare(&one).await?,
            newest: client.prepare(&newest).await?,
            newest_of_all: client.prepare(&newest_of_all).await?,
            keep: client.prepare(&keep).await?,
            keep_once: client.prepare(&keep_once).await?,
            kept: client.prepare(kept).await?,
            client,
        })
    }

    /// What was answered before under that key.
    async fn kept(&self, key: &Key) -> Result<Kept, Failed> {
        let row = self.client.query_one(&self.kept, &[&key.caller, &key.scope, &key.key]).await?;
        let headers: Headers = serde_json::from_str(row.get(1))?;
        let is_same = row.get::<_, &[u8]>(0) == key.request_hash;
        Ok(Kept { is_same, location: headers.location, tag: headers.etag, answer: row.get(2) })
    }
}

/// The values of a task, which is new.
const TASK_VALUES: &str = "$1::uuid, $2::text, $3::text, $4::text, $5::smallint, $6::timestamptz, $6::timestamptz, 1, 1, \
                           '[]'::jsonb, $7::uuid";
/// The values of its event.
const EVENT_VALUES: &str = "$8::uuid, 'task', $9::text, $10::bigint, 'task.created.v1', 1, 'task.task.created.v1', \
                            $11::text, $12::bytea, $6::timestamptz, 'epoch'::timestamptz";

/// One statement that puts a task and its event there.
fn keeping(task: &str, event: &str) -> String {
    format!(
        "WITH made AS (INSERT INTO task (id, title, description, status, priority, created_at, updated_at, version, \
         event_seq, labels, creator_id) {task}) \
         INSERT INTO outbox (event_id, aggregate_type, aggregate_id, aggregate_seq, event_type, schema_version, \
         routing_key, headers, payload, occurred_at, next_attempt_at) {event}"
    )
}

impl Worker {
    fn lane(&self) -> &Lane {
        let turn = self.turn.get();
        self.turn.set((turn + 1) % self.lanes.len());
        &self.lanes[turn]
    }
}

impl Rows for Worker {
    async fn one(&self, id: Uuid, by: &Caller) -> Result<Option<Task>, Failed> {
        let lane = self.lane();
        let found = lane.client.query_opt(&lane.one, &[&id, &by.is_admin, &by.id]).await?;
        Ok(found.map(|row| read(&row)))
    }

    async fn newest(&self, by: &Caller, limit: i64) -> Result<Vec<Task>, Failed> {
        let (lane, rows) = (self.lane(), limit + 1);
        let found = if by.is_admin {
            lane.client.query(&lane.newest_of_all, &[&rows]).await?
        } else {
            lane.client.query(&lane.newest, &[&by.id, &rows]).await?
        };
        Ok(found.iter().map(read).collect())
    }

    async fn keep(&self, writing: Writing) -> Result<Option<Kept>, Failed> {
        let lane = self.lane();
        let Writing { task, event, key, answer } = &writing;
        let rank = rank(task.priority);
        let mut values: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> = vec![
            &task.id,
            &task.title,
            &task.description,
            &task.status,
            &rank,
            &task.created_at,
            &task.creator_id,
            &event.id,
            &event.aggregate_id,
            &event.sequence,
            &event.headers,
            &event.payload,
        ];
        let Some(key) = key else {
            lane.client.execute(&lane.keep, &values).await?;
            return Ok(None);
        };
        let headers = writing.headers();
        values.extend([&key.caller as &(dyn tokio_postgres::types::ToSql + Sync), &key.scope, &key.key]);
        values.extend([&key.request_hash as &(dyn tokio_postgres::types::ToSql + Sync), &headers, answer]);
        let made = lane.client.execute(&lane.keep_once, &values).await?;
        if made == 0 { lane.kept(key).await.map(Some) } else { Ok(None) }
    }
}

fn read(row: &Row) -> Task {
    let Json(labels) = row.get(6);
    Task {
        id: row.get(0),
        title: row.get(1),
        description: row.get(2),
        status: row.get(3),
        priority: priority(row.get(4)),
        category_id: row.get(5),
        labels,
        creator_id: row.get(7),
        assignee_id: row.get(8),
        due_at: row.get(9),
        remind_at: row.get(10),
        completed_at: row.get(11),
        completed_by: row.get(12),
        created_at: row.get(13),
        updated_at: row.get(14),
        version: row.get(15),
    }
}
