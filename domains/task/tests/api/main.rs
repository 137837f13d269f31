//! The domain alone, over HTTP: no other domain is compiled, tokens and other domains' events come from the testkit.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends at what it did not expect")]

#[cfg(target_os = "linux")]
mod binary;
mod categories;
mod conventions;
mod tasks;
mod transitions;
mod users;
mod visibility;

use serde_json::{Value, json};
use testkit::{Client, Starting, System, Topology};

/// This domain in a process of its own.
async fn system() -> System {
    fn start(config: runtime::Config) -> Starting {
        Box::pin(runtime::serve(config, vec![task::module()]))
    }
    System::start(start, Topology::asked()).await
}

/// Somebody of whom the domain has heard.
async fn known(system: &System, name: &str) -> Client {
    let client = system.user(name).await;
    system.injector().user_created(client.id(), name).await;
    client
}

async fn create(client: &Client, body: Value) -> Value {
    client.post("/api/v1/tasks", body).await.expect(201)
}

/// Made by the client, to be done by somebody.
async fn assign(client: &Client, to: &Client) -> Value {
    create(client, json!({"title": "Buy milk", "assignee_id": to.id()})).await
}

fn path(task: &Value) -> String {
    format!("/api/v1/tasks/{}", task["id"].as_str().unwrap())
}

fn action(task: &Value, verb: &str) -> String {
    format!("{}/{verb}", path(task))
}

/// Pointer and code of each invalid field.
fn broken(problem: &Value) -> Vec<(&str, &str)> {
    let errors = problem["errors"].as_array().unwrap().iter();
    errors.map(|error| (error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap())).collect()
}
