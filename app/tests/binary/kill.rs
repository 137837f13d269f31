//! SIGKILL right after the answer. Rule: what was answered with 200 has its effect exactly once, in every round.

use crate::running::start_in;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Client, Shipped, eventually};

/// Rounds, unless `CLEAVE_TEST_KILL_ROUNDS` says otherwise.
const ROUNDS: usize = 20;
const PASSWORD: &str = "a long enough secret";

/// On the same data and for the same issuer, so that it is the same system after each restart.
fn start(directory: tempfile::TempDir) -> Shipped {
    start_in(directory, |command| {
        command.args(["--public-url", "http://cleave.test"]);
    })
}

async fn register(nobody: &Client, name: &str) {
    let body = json!({"username": name, "email": format!("{name}@example.org"), "password": PASSWORD});
    nobody.post("/api/v1/auth/register", body).await.expect(201);
}

async fn sign_in(nobody: &Client, name: &str) -> Client {
    let tokens = nobody.post("/api/v1/auth/login", json!({"login": name, "password": PASSWORD})).await.expect(200);
    nobody.with_token(tokens["access_token"].as_str().unwrap())
}

/// How often the client was told that this task is done.
async fn told(client: &Client, task: &str) -> usize {
    let inbox = client.get("/api/v1/notifications?category=task.completed&limit=100").await.expect(200);
    let action = json!(format!("/api/v1/tasks/{task}"));
    inbox["items"].as_array().unwrap().iter().filter(|item| item["action_url"] == action).count()
}

#[tokio::test]
async fn what_was_answered_survives_sigkill_and_is_told_exactly_once() {
    let rounds = std::env::var_os("CLEAVE_TEST_KILL_ROUNDS")
        .map_or(ROUNDS, |rounds| rounds.to_str().and_then(|rounds| rounds.parse().ok()).expect("a number of rounds"));
    let mut running = start(tempfile::tempdir().unwrap());
    for name in ["anna", "ben"] {
        register(&Client::nobody(&running.address), name).await;
    }
    let ben = sign_in(&Client::nobody(&running.address), "ben").await;
    let ben_id = ben.get("/api/v1/users/me").await.expect(200)["id"].clone();
    let mut tasks: Vec<String> = Vec::with_capacity(rounds);
    for round in 0..rounds {
        let nobody = Client::nobody(&running.address);
        let (anna, ben) = (sign_in(&nobody, "anna").await, sign_in(&nobody, "ben").await);
        let body = json!({"title": format!("Round {round}"), "assignee_id": ben_id});
        let task = anna.post("/api/v1/tasks", body).await.expect(201)["id"].as_str().unwrap().to_owned();
        ben.post(&format!("/api/v1/tasks/{task}/complete"), Value::Null).await.expect(200);
        running.child.kill().unwrap();
        running = start(running.end().1);

        let anna = sign_in(&Client::nobody(&running.address), "anna").await;
        assert_eq!(anna.get(&format!("/api/v1/tasks/{task}")).await.expect(200)["status"], "done", "round {round}");
        let what = format!("the notification of round {round}");
        eventually(&what, Duration::from_secs(10), async || (told(&anna, &task).await > 0).then_some(())).await;
        tasks.push(task);
    }
    let anna = sign_in(&Client::nobody(&running.address), "anna").await;
    for task in tasks.iter().rev().take(100) {
        assert_eq!(told(&anna, task).await, 1, "{task}");
    }
    let total = anna.get("/api/v1/notifications").await.expect(200)["counts"]["total"].clone();
    assert_eq!(total, rounds + 1, "the welcome, and one for each round");
    println!("{rounds} rounds of complete, 200, SIGKILL, restart: told exactly once in each");
}
