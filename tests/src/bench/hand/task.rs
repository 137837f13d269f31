//! A task as it is answered, and what is written for a new one. Rule: the answer and the envelope are Cleave's, field by field.

use super::token::Caller;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, SubsecRound, Utc};
use contracts::task::v1::TaskCreated;
use contracts::task::{Priority, Status};
use contracts::{TaskId, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The scope of the only command.
const SCOPE: &str = "POST /api/v1/tasks";

/// What a client sees.
#[derive(Serialize)]
pub(super) struct Task {
    pub(super) id: Uuid,
    pub(super) title: String,
    pub(super) description: Option<String>,
    pub(super) status: String,
    pub(super) priority: Priority,
    pub(super) category_id: Option<Uuid>,
    pub(super) labels: Vec<String>,
    pub(super) creator_id: Uuid,
    pub(super) assignee_id: Option<Uuid>,
    pub(super) due_at: Option<DateTime<Utc>>,
    pub(super) remind_at: Option<DateTime<Utc>>,
    pub(super) completed_at: Option<DateTime<Utc>>,
    pub(super) completed_by: Option<Uuid>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
    pub(super) version: i64,
}

/// The columns behind it, in its order.
pub(super) const COLUMNS: &str = "id, title, description, status, priority, category_id, labels, creator_id, \
    assignee_id, due_at, remind_at, completed_at, completed_by, created_at, updated_at, version";

/// A page of them.
#[derive(Serialize)]
pub(super) struct Page {
    items: Vec<Task>,
    next_cursor: Option<String>,
}

/// The fields that this server takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTask {
    title: String,
    description: Option<String>,
    priority: Option<Priority>,
}

/// A key that a client sent.
pub(super) struct Key {
    pub(super) caller: String,
    pub(super) scope: &'static str,
    pub(super) key: String,
    pub(super) request_hash: Vec<u8>,
}

/// What was answered before under a key.
pub(super) struct Kept {
    /// Whether it was the same request.
    pub(super) is_same: bool,
    pub(super) location: String,
    pub(super) tag: String,
    pub(super) answer: Vec<u8>,
}

/// The headers that are kept with an answer.
#[derive(Serialize, Deserialize)]
pub(super) struct Headers {
    pub(super) location: String,
    pub(super) etag: String,
}

/// The event of a new task, as the outbox keeps it.
pub(super) struct Event {
    pub(super) id: Uuid,
    pub(super) aggregate_id: String,
    pub(super) sequence: i64,
    pub(super) headers: String,
    pub(super) payload: Vec<u8>,
}

/// All that one commit writes.
pub(super) struct Writing {
    pub(super) task: Task,
    pub(super) event: Event,
    pub(super) key: Option<Key>,
    pub(super) answer: Vec<u8>,
}

/// The attributes of an envelope that have no column.
#[derive(Serialize)]
struct Attributes<'a> {
    correlationid: &'a str,
    traceparent: &'a str,
    authid: Uuid,
}

impl Task {
    /// Its version as an entity tag.
    pub(super) fn tag(&self) -> String {
        format!("\"v{}\"", self.version)
    }
}

impl Page {
    /// The first of them, with a cursor when there are more than `limit`.
    pub(super) fn of(mut items: Vec<Task>, limit: i64) -> Self {
        let limit = usize::try_from(limit).unwrap_or_default();
        let more = items.len() > limit;
        items.truncate(limit);
        let last = items.last().filter(|_| more);
        let cursor =
            |task: &Task| URL_SAFE_NO_PAD.encode(format!("[{},\"{}\"]", task.created_at.timestamp_micros(), task.id));
        let next_cursor = last.map(cursor);
        Self { items, next_cursor }
    }
}

impl NewTask {
    /// Whether the texts are what they may be.
    pub(super) fn is_sound(&self) -> bool {
        let line = |text: &str, most: usize| {
            (1..=most).contains(&text.chars().count()) && !text.trim().is_empty() && !text.chars().any(char::is_control)
        };
        line(&self.title, 200) && self.description.as_deref().is_none_or(|text| line(text, 10_000))
    }
}

impl Key {
    pub(super) fn new(caller: &Caller, key: &str, body: &[u8]) -> Self {
        let request_hash = digest(&SHA256, body).as_ref().to_vec();
        Self { caller: caller.id.to_string(), scope: SCOPE, key: key.to_owned(), request_hash }
    }
}

impl Writing {
    pub(super) fn new(new: NewTask, by: &Caller, key: Option<Key>) -> Self {
        let (now, id) = (now(), new_id());
        let priority = new.priority.unwrap_or(Priority::None);
        let created = TaskCreated {
            task_id: TaskId(id),
            title: new.title.clone(),
            status: Status::Todo,
            priority,
            creator_id: UserId(by.id),
            assignee_id: None,
            category_id: None,
            due_at: None,
        };
        let task = Task {
            id,
            title: new.title,
            description: new.description,
            status: Status::Todo.as_str().to_owned(),
            priority,
            category_id: None,
            labels: Vec::new(),
            creator_id: by.id,
            assignee_id: None,
            due_at: None,
            remind_at: None,
            completed_at: None,
            completed_by: None,
            created_at: now,
            updated_at: now,
            version: 1,
        };
        let answer = serde_json::to_vec(&task).expect("plain fields");
        Self { event: Event::new(&created, by), task, key, answer }
    }

    /// Where the new task is.
    pub(super) fn location(&self) -> String {
        format!("/api/v1/tasks/{}", self.task.id)
    }

    /// The headers of the answer, as they are kept.
    pub(super) fn headers(&self) -> String {
        let headers = Headers { location: self.location(), etag: self.task.tag() };
        serde_json::to_string(&headers).expect("plain fields")
    }
}

impl Event {
    /// The first of the task's stream.
    fn new(created: &TaskCreated, by: &Caller) -> Self {
        let correlationid = new_id().to_string();
        let (trace, span) = (random().as_simple().to_string(), random().as_simple().to_string());
        let traceparent = format!("00-{trace}-{}-01", &span[..16]);
        let headers = Attributes { correlationid: &correlationid, traceparent: &traceparent, authid: by.id };
        Self {
            id: new_id(),
            aggregate_id: created.task_id.uuid().to_string(),
            sequence: 1,
            headers: serde_json::to_string(&headers).expect("plain fields"),
            payload: serde_json::to_vec(created).expect("plain fields"),
        }
    }
}

/// A priority by its stored rank.
pub(super) fn priority(rank: i16) -> Priority {
    Priority::ALL.get(usize::try_from(rank).unwrap_or_default()).copied().unwrap_or(Priority::None)
}

/// The stored rank of a priority.
pub(super) fn rank(priority: Priority) -> i16 {
    let place = Priority::ALL.iter().position(|one| *one == priority);
    place.and_then(|place| i16::try_from(place).ok()).unwrap_or_default()
}

#[expect(clippy::disallowed_methods, reason = "a server for comparison has no clock that a test moves")]
fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}

#[expect(clippy::disallowed_methods, reason = "a server for comparison makes its ids as it likes")]
fn new_id() -> Uuid {
    Uuid::now_v7()
}

#[expect(clippy::disallowed_methods, reason = "a server for comparison makes its ids as it likes")]
fn random() -> Uuid {
    Uuid::new_v4()
}
