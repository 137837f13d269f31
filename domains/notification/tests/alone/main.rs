//! The notification domain alone, over HTTP: no other domain is compiled; their events are injected.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends at what it did not expect")]

#[cfg(target_os = "linux")]
mod binary;
mod create;
mod events;
mod list;
mod mark;
mod one;
mod parameters;
mod send;

use serde_json::{Value, json};
use testkit::{Client, Starting, System, Topology};

fn start(config: runtime::Config) -> Starting {
    Box::pin(runtime::serve(config, vec![notification::module()]))
}

async fn system() -> System {
    System::start(start, Topology::asked()).await
}

/// Writes to oneself and sends it; the answer.
async fn sent(author: &Client, title: &str) -> Value {
    let body = json!({"recipient_id": author.id(), "title": title, "send": true});
    author.post("/api/v1/notifications", body).await.expect(201)
}

/// Writes to oneself without sending it; the answer.
async fn draft(author: &Client, title: &str) -> Value {
    author.post("/api/v1/notifications", json!({"recipient_id": author.id(), "title": title})).await.expect(201)
}

/// The address of a notification.
fn path_of(notification: &Value) -> String {
    format!("/api/v1/notifications/{}", notification["id"].as_str().unwrap())
}

/// The titles on a page, in order.
fn titles(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap()).collect()
}

/// Pointer and code of every invalid field.
fn broken(problem: &Value) -> Vec<(&str, &str)> {
    let errors = problem["errors"].as_array().unwrap().iter();
    errors.map(|error| (error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap())).collect()
}
