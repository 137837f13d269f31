//! What all databases of a system hold, read once. Rule: plain values as the tables have them, so that the checker depends on
//! nothing that it checks.
//!
//! What can be seen of an effect: its `inbox` row and the watermark say that it was committed, and the notification that it was
//! seen. In what order effects were committed is seen where an effect emits: `notification.sent` is written in the transaction
//! of the effect, under the lock of the aggregate's watermark, so the ids of those outbox rows stand in the order of the
//! commits of one aggregate. `done_at` does not show it: it is the instant at which the transaction began. Of effects that
//! emit nothing (a projection) the order is seen by what they leave.

use super::store::{Row, Store};
use serde_json::Value;
use std::collections::BTreeMap;

/// A row of an outbox.
#[derive(Debug, Clone, PartialEq)]
pub struct Emitted {
    /// Its place in the outbox.
    pub id: i64,
    /// The event.
    pub event: String,
    /// `task`.
    pub aggregate: String,
    /// Of the aggregate, 32 hex digits.
    pub of: String,
    /// Its place in the stream.
    pub seq: i64,
    /// `task.completed.v1`.
    pub event_type: String,
    /// The payload.
    pub data: Value,
    /// Whether it counts as published.
    pub published: bool,
    /// The event that caused it.
    pub cause: Option<String>,
}

/// A row of an inbox.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// The event.
    pub event: String,
    /// The publishing domain.
    pub source: String,
    /// `task`.
    pub aggregate: String,
    /// Of the aggregate.
    pub of: String,
    /// Its place in the stream.
    pub seq: i64,
    /// Its type.
    pub event_type: String,
    /// 0 waits, 1 done, 2 dead, 3 skipped.
    pub status: i64,
    /// The payload, as long as the event waits or is dead.
    pub data: Option<Value>,
    /// How often its listener failed.
    pub attempts: i64,
    /// What the newest attempt said.
    pub last_error: Option<String>,
}

/// A watermark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The publishing domain.
    pub source: String,
    /// `task`.
    pub aggregate: String,
    /// Of the aggregate.
    pub of: String,
    /// Up to where its stream was worked.
    pub last_seq: i64,
}

/// A task as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its title.
    pub title: String,
    /// `done`.
    pub status: String,
    /// Who has it.
    pub assignee: Option<String>,
    /// Its version.
    pub version: i64,
    /// How many events it has had.
    pub event_seq: i64,
}

/// A notification as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Its id.
    pub id: String,
    /// Who is told.
    pub recipient: String,
    /// The event; none for one that somebody wrote.
    pub event: Option<String>,
    /// How many events it has had itself.
    pub event_seq: i64,
}

/// What is known of a user: by its own domain, or by another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Whether the user may sign in.
    pub is_active: bool,
    /// The name, where it is kept.
    pub username: Option<String>,
    /// The address, where it is kept.
    pub email: Option<String>,
}

/// Everything.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// By domain.
    pub outboxes: BTreeMap<String, Vec<Emitted>>,
    /// By consumer.
    pub inboxes: BTreeMap<String, Vec<Taken>>,
    /// By consumer.
    pub heads: BTreeMap<String, Vec<Head>>,
    /// By id.
    pub tasks: BTreeMap<String, Task>,
    /// All of them.
    pub told: Vec<Told>,
    /// Id, notification, channel.
    pub deliveries: Vec<(String, String, String)>,
    /// By id: the user domain's own.
    pub users: BTreeMap<String, Person>,
    /// By id: what the task domain knows.
    pub projected: BTreeMap<String, Person>,
    /// By id: what the notification domain knows.
    pub recipients: BTreeMap<String, Person>,
    /// Idempotency records of the task domain: caller, scope, key.
    pub records: Vec<(String, String, String)>,
    /// Events per aggregate that the owner's row counts: domain, id, number.
    pub counted: Vec<(String, String, i64)>,
    /// Messages that were no events.
    pub undecodable: usize,
    /// What a SQLite file says of itself, when it is not well.
    pub damage: Vec<String>,
    /// Transactions and locks that somebody holds.
    pub held: Vec<String>,
}

impl Facts {
    /// Reads everything.
    ///
    /// # Panics
    /// When a database is away or holds what no domain writes.
    pub async fn read(stores: &BTreeMap<&'static str, Store>) -> Self {
        let mut facts = Self::default();
        for (domain, store) in stores {
            facts.messaging(domain, store).await;
            facts.held.extend(store.held().await.into_iter().map(|what| format!("{domain}: {what}")));
        }
        let (user, task, notification) = (&stores["user"], &stores["task"], &stores["notification"]);
        for row in
            user.read(&format!("SELECT {}, is_active, username, email, event_seq FROM users", user.id("id"))).await
        {
            let of = text(&row, 0);
            facts.counted.push(("user".to_owned(), of.clone(), number(&row, 4)));
            facts.users.insert(of, person(&row));
        }
        let sql = format!(
            "SELECT {}, is_active, NULL, NULL FROM user_projection WHERE deleted_at IS NULL",
            task.id("user_id")
        );
        facts.projected = task.read(&sql).await.iter().map(|row| (text(row, 0), person(row))).collect();
        let sql = format!(
            "SELECT {}, is_active, username, email FROM recipient WHERE deleted_at IS NULL",
            notification.id("id")
        );
        facts.recipients = notification.read(&sql).await.iter().map(|row| (text(row, 0), person(row))).collect();
        let (id, assignee) = (task.id("id"), task.id("assignee_id"));
        // hex() of nothing is the empty text and not nothing.
        let assignee = format!("CASE WHEN assignee_id IS NULL THEN NULL ELSE {assignee} END");
        for row in task.read(&format!("SELECT {id}, title, status, {assignee}, version, event_seq FROM task")).await {
            let stored = Task {
                title: text(&row, 1),
                status: text(&row, 2),
                assignee: row[3].clone(),
                version: number(&row, 4),
                event_seq: number(&row, 5),
            };
            facts.counted.push(("task".to_owned(), text(&row, 0), stored.event_seq));
            facts.tasks.insert(text(&row, 0), stored);
        }
        facts.notifications(notification).await;
        let sql = "SELECT caller, scope, idem_key FROM command_dedup";
        facts.records = task.read(sql).await.iter().map(|row| (text(row, 0), text(row, 1), text(row, 2))).collect();
        facts
    }

    async fn messaging(&mut self, domain: &str, store: &Store) {
        let published = "CASE WHEN published_at IS NULL THEN 0 ELSE 1 END";
        let (event, payload) = (store.id("event_id"), store.text("payload"));
        let of = "replace(aggregate_id, '-', '')";
        let sql = format!(
            "SELECT id, {event}, aggregate_type, {of}, aggregate_seq, event_type, {payload}, {published}, headers FROM outbox ORDER BY id"
        );
        let emitted = |row: &Row| Emitted {
            id: number(row, 0),
            event: text(row, 1),
            aggregate: text(row, 2),
            of: text(row, 3),
            seq: number(row, 4),
            event_type: text(row, 5),
            data: json(row, 6),
            published: number(row, 7) == 1,
            cause: json(row, 8)["causationid"].as_str().map(|cause| cause.replace('-', "")),
        };
        self.outboxes.insert(domain.to_owned(), store.read(&sql).await.iter().map(emitted).collect());
        let payload = format!("CASE WHEN payload IS NULL THEN NULL ELSE {payload} END");
        let sql = format!(
            "SELECT consumer, {event}, source, aggregate_type, {of}, aggregate_seq, event_type, status, {payload}, last_error, attempts FROM inbox"
        );
        for row in store.read(&sql).await {
            let taken = Taken {
                event: text(&row, 1),
                source: text(&row, 2),
                aggregate: text(&row, 3),
                of: text(&row, 4),
                seq: number(&row, 5),
                event_type: text(&row, 6),
                status: number(&row, 7),
                data: row[8].as_ref().map(|_| json(&row, 8)),
                last_error: row[9].clone(),
                attempts: number(&row, 10),
            };
            self.inboxes.entry(text(&row, 0)).or_default().push(taken);
        }
        for row in store.read(&format!("SELECT consumer, source, aggregate_type, {of}, last_seq FROM inbox_head")).await
        {
            let head =
                Head { source: text(&row, 1), aggregate: text(&row, 2), of: text(&row, 3), last_seq: number(&row, 4) };
            self.heads.entry(text(&row, 0)).or_default().push(head);
        }
        self.undecodable += store.read("SELECT id FROM undecodable").await.len();
        if !store.on_postgres() {
            let said = store.read("PRAGMA integrity_check").await.into_iter().map(|row| text(&row, 0));
            self.damage.extend(said.filter(|said| said != "ok").map(|said| format!("{domain}: {said}")));
            // It also refuses where a table is not what others refer to.
            match store.rows("PRAGMA foreign_key_check").await {
                Ok(strays) if strays.is_empty() => {}
                Ok(strays) => self.damage.push(format!("{domain}: {} rows refer to nothing", strays.len())),
                Err(error) => self.damage.push(format!("{domain}: {error}")),
            }
        }
    }

    async fn notifications(&mut self, store: &Store) {
        let (id, recipient, event) = (store.id("id"), store.id("recipient_id"), store.id("source_event_id"));
        let event = format!("CASE WHEN source_event_id IS NULL THEN NULL ELSE {event} END");
        for row in store.read(&format!("SELECT {id}, {recipient}, {event}, event_seq FROM notification")).await {
            let told =
                Told { id: text(&row, 0), recipient: text(&row, 1), event: row[2].clone(), event_seq: number(&row, 3) };
            self.counted.push(("notification".to_owned(), told.id.clone(), told.event_seq));
            self.told.push(told);
        }
        let sql = format!("SELECT {id}, {}, channel FROM delivery", store.id("notification_id"));
        self.deliveries = store.read(&sql).await.iter().map(|row| (text(row, 0), text(row, 1), text(row, 2))).collect();
    }

    /// What a domain emitted.
    #[must_use]
    pub fn outbox(&self, domain: &str) -> &[Emitted] {
        self.outboxes.get(domain).map_or(&[], Vec::as_slice)
    }
}

fn person(row: &Row) -> Person {
    Person { is_active: matches!(row[1].as_deref(), Some("1" | "t")), username: row[2].clone(), email: row[3].clone() }
}

fn text(row: &Row, at: usize) -> String {
    row[at].clone().unwrap_or_default()
}

fn number(row: &Row, at: usize) -> i64 {
    text(row, at).parse().expect("a number")
}

fn json(row: &Row, at: usize) -> Value {
    serde_json::from_str(&text(row, at)).expect("JSON in a column of JSON")
}
