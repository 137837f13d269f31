//! What the answers look like that are put together from what several processes sent. Rule: nothing here is ever made;
//! a test compares real answers with it.

use outbox::MessagingHealth;
use outbox::ops::{Backlog, EmittedStream, EventRecord, EventStatus, HeardStream, Publication, Reception};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

macro_rules! shapes {
    ($($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $field:ident: $kind:ty,)+ })+) => {$(
        #[derive(Serialize, JsonSchema)]
        $(#[$doc])*
        pub(super) struct $name { $($(#[$of])* $field: $kind,)+ }
    )+};
}

shapes! {
    /// A domain that gave no answer.
    Unanswered {
        domain: String,
        /// As of a problem document.
        code: String,
    }

    /// A page of events, as all domains know them.
    #[schemars(rename = "MergedEventPage")]
    MergedEvents {
        items: Vec<EventRecord>,
        /// For the next page; null on the last.
        next_cursor: Option<String>,
        unanswered: Vec<Unanswered>,
    }

    /// A page of what is not published, and how much that is.
    #[schemars(rename = "OutboxPage")]
    Outbox {
        items: Vec<EventRecord>,
        /// For the next page; null on the last.
        next_cursor: Option<String>,
        backlog: Backlog,
    }

    /// A page of what is not published, of all domains, and how much that is of each.
    #[schemars(rename = "MergedOutboxPage")]
    MergedOutbox {
        items: Vec<EventRecord>,
        /// For the next page; null on the last.
        next_cursor: Option<String>,
        unanswered: Vec<Unanswered>,
        /// By domain.
        backlogs: BTreeMap<String, Backlog>,
    }

    /// What a domain hears, and what it has emitted.
    Subscriptions {
        items: Vec<HeardStream>,
        /// Always null.
        next_cursor: Option<String>,
        emitted: Vec<EmittedStream>,
    }

    /// What a consumer has made of a stream, and how far it is behind.
    LaggingStream {
        #[serde(flatten)]
        stream: HeardStream,
        /// Events that were emitted and not handled; null where the publisher gave no answer.
        #[schemars(range(min = 0))]
        lag: Option<i64>,
    }

    /// What every domain hears.
    MergedSubscriptions {
        items: Vec<LaggingStream>,
        /// Always null.
        next_cursor: Option<String>,
        unanswered: Vec<Unanswered>,
    }

    /// An event, with all that is known of it.
    EventInContext {
        #[serde(flatten)]
        event: EventRecord,
        causation: Causation,
        unanswered: Vec<Unanswered>,
    }

    /// What one request caused.
    Causation {
        /// The request.
        correlation_id: Option<String>,
        events: Vec<CausedEvent>,
        /// Whether there are more.
        truncated: bool,
    }

    /// An event, and those that it caused.
    CausedEvent {
        id: Uuid,
        r#type: String,
        source: String,
        subject: String,
        time: chrono::DateTime<chrono::Utc>,
        publication: Option<Publication>,
        consumers: Vec<Reception>,
        caused: Vec<CausedEvent>,
    }

    /// A domain of the system.
    #[schemars(rename = "Module")]
    ModuleView {
        name: String,
        #[schemars(extend("enum" = ["mounted", "remote"]))]
        place: String,
        #[schemars(extend("enum" = ["healthy", "degraded", "unhealthy"]))]
        status: String,
        /// Streams that it publishes.
        publishes: Vec<String>,
        /// Streams that it hears.
        hears: Vec<String>,
        /// Types of events that it has a listener for; null for one that is served elsewhere.
        listens_to: Option<Vec<String>>,
        /// Null where it gave no answer.
        messaging: Option<MessagingHealth>,
    }

    /// All domains of the system.
    #[schemars(rename = "ModuleList")]
    Modules {
        items: Vec<ModuleView>,
        /// Always null.
        next_cursor: Option<String>,
        unanswered: Vec<Unanswered>,
    }

    /// What was done about an event.
    #[schemars(rename = "EventAction")]
    Action {
        id: Uuid,
        domain: String,
        #[schemars(extend("enum" = ["retry", "skip", "replay", "give_up"]))]
        action: String,
        /// False where there was nothing to do.
        changed: bool,
        status: EventStatus,
    }

    /// What was done about a restored database.
    #[schemars(rename = "RestoredAction")]
    Restored {
        domain: String,
        #[schemars(extend("const" = "restored"))]
        action: String,
        /// False where there was nothing to decide.
        changed: bool,
        /// Of what is emitted from now on.
        stream_epoch: i32,
    }
}

const EVENT: &str = "019b76da-a800-74e2-b496-ed8d4d71d48a";

pub(super) fn event() -> Value {
    json!({
        "specversion": "1.0",
        "id": EVENT,
        "source": "/services/task",
        "type": "task.completed.v1",
        "subject": "task/019b76da-a800-74e2-b496-ed8a6cd71049",
        "time": "2026-01-01T00:00:00.000242Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:cleave:schema:task.completed.v1",
        "correlationid": "019b76da-a800-70a9-b413-ea6580eb401c",
        "causationid": null,
        "traceparent": null,
        "partitionkey": "019b76da-a800-74e2-b496-ed8a6cd71049",
        "sequence": "2",
        "streamepoch": 1,
        "authid": "019b76da-a800-7172-980b-52264a842b90",
        "erased": false,
        "damaged": null,
        "publication": publication(),
        "consumers": [{
            "consumer": "notification",
            "status": "done",
            "attempts": 0,
            "next_attempt_at": null,
            "replays": 0,
            "last_error": null,
            "received_at": "2026-01-01T00:00:00.000245Z",
            "done_at": "2026-01-01T00:00:00.000248Z",
        }],
    })
}

fn publication() -> Value {
    json!({
        "status": "published",
        "attempts": 0,
        "next_attempt_at": null,
        "last_error": null,
        "published_at": "2026-01-01T00:00:00.000244Z",
    })
}

/// `items` on one page, and what else stands beside them.
pub(super) fn page(items: Value, more: Value) -> Value {
    let mut page = json!({ "items": items, "next_cursor": null });
    if let (Value::Object(page), Value::Object(more)) = (&mut page, more) {
        page.extend(more);
    }
    page
}

pub(super) fn backlog() -> Value {
    json!({ "pending": 1, "failing": 0, "oldest_pending_at": "2026-01-01T00:00:00.000242Z" })
}

pub(super) fn heard() -> Value {
    json!({
        "consumer": "notification",
        "source": "task",
        "aggregate": "task",
        "aggregates": 1,
        "handled": 2,
        "parked": 0,
        "failing": 0,
        "dead": 0,
        "oldest_waiting_at": null,
        "last_handled_at": "2026-01-01T00:00:00.000248Z",
        "undecodable": 0,
    })
}

pub(super) fn lagging() -> Value {
    let mut stream = heard();
    if let Some(members) = stream.as_object_mut() {
        members.insert("lag".to_owned(), json!(0));
    }
    stream
}

pub(super) fn event_in_context() -> Value {
    let mut event = event();
    let caused = json!({
        "id": EVENT,
        "type": "task.completed.v1",
        "source": "/services/task",
        "subject": "task/019b76da-a800-74e2-b496-ed8a6cd71049",
        "time": "2026-01-01T00:00:00.000242Z",
        "publication": publication(),
        "consumers": [],
        "caused": [],
    });
    if let Some(members) = event.as_object_mut() {
        let causation =
            json!({ "correlation_id": "019b76da-a800-70a9-b413-ea6580eb401c", "events": [caused], "truncated": false });
        members.insert("causation".to_owned(), causation);
        members.insert("unanswered".to_owned(), json!([]));
    }
    event
}

pub(super) fn module() -> Value {
    json!({
        "name": "task",
        "place": "remote",
        "status": "unhealthy",
        "publishes": ["task.task"],
        "hears": ["user.user"],
        "listens_to": null,
        "messaging": null,
    })
}

pub(super) fn action(action: &str) -> Value {
    json!({ "id": EVENT, "domain": "notification", "action": action, "changed": true, "status": "parked" })
}
