//! What is asked. Rule: everybody asks for what is their own; the requests are written once, and nothing but their order differs
//! between two sides.

use super::crowd::Crowd;
use super::driver::Request;
use super::seed::Seed;
use serde_json::{Value, json};
use std::fmt;
use std::sync::Arc;

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Workload {
    /// One task by its id.
    One,
    /// The twenty newest.
    List,
    /// A new task.
    Create,
    /// A new task, each with a key of its own.
    CreateOnce,
    /// A new task that somebody else is to do, who is told.
    Assign,
    /// Twenty from the middle of all that there are, for an administrator.
    Middle,
}

impl Workload {
    /// Whether events come of it.
    #[must_use]
    pub const fn writes(self) -> bool {
        matches!(self, Self::Create | Self::CreateOnce | Self::Assign)
    }

    /// The requests, by who asks.
    #[must_use]
    pub fn requests(self, crowd: &Crowd, seed: &Seed) -> Arc<[Vec<Request>]> {
        let whose = |(nth, token): (usize, &String)| {
            let mut new = json!({"title": "Write down what there is to do", "priority": "high"});
            new["description"] = json!("All of it, and by whom.");
            match self {
                Self::One => seed.of(nth).iter().map(|id| get(&format!("/{id}"), token)).collect(),
                Self::List => vec![get("?limit=20", token)],
                Self::Create => vec![post(&new, token, "")],
                Self::CreateOnce => {
                    let marker = "0123456789abcdef";
                    let mut request = post(&new, token, &format!("Idempotency-Key: {marker}\r\n"));
                    request.key_at = request.bytes.windows(marker.len()).position(|part| part == marker.as_bytes());
                    vec![request]
                }
                Self::Assign => {
                    let mut assigned = new;
                    assigned["assignee_id"] = json!(crowd.ids[(nth + 1) % crowd.ids.len()]);
                    vec![post(&assigned, token, "")]
                }
                Self::Middle => {
                    let middle = seed.middle().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
                    vec![get(&format!("?limit=20&created_before={middle}"), &crowd.admin)]
                }
            }
        };
        crowd.tokens.iter().enumerate().map(whose).collect()
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::One => "one task",
            Self::List => "list of 20",
            Self::Create => "create",
            Self::CreateOnce => "create with a key",
            Self::Assign => "create and assign",
            Self::Middle => "20 from the middle",
        })
    }
}

fn get(path: &str, token: &str) -> Request {
    let text =
        format!("GET /api/v1/tasks{path} HTTP/1.1\r\nHost: cleave.test\r\nAuthorization: Bearer {token}\r\n\r\n");
    Request { bytes: text.into_bytes(), key_at: None }
}

fn post(body: &Value, token: &str, headers: &str) -> Request {
    let body = body.to_string();
    let text = format!(
        "POST /api/v1/tasks HTTP/1.1\r\nHost: cleave.test\r\nAuthorization: Bearer {token}\r\n{headers}\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    Request { bytes: text.into_bytes(), key_at: None }
}
