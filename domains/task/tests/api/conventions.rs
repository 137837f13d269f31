//! What every endpoint has in common, seen on this domain's.

use crate::{action, create, path, system};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[tokio::test]
async fn a_list_is_walked_page_by_page() {
    let system = system().await;
    let anna = system.user("anna").await;
    for n in 0..5 {
        create(&anna, json!({"title": format!("{n}")})).await;
    }
    let mut titles = Vec::new();
    let mut address = "/api/v1/tasks?limit=2".to_owned();
    loop {
        let page = anna.get(&address).await.expect(200);
        let items = page["items"].as_array().unwrap();
        titles.extend(items.iter().map(|item| item["title"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        address = format!("/api/v1/tasks?limit=2&cursor={cursor}");
    }
    assert_eq!(titles, ["4", "3", "2", "1", "0"]);
}

#[tokio::test]
async fn an_unknown_parameter_is_refused_everywhere() {
    let system = system().await;
    let anna = system.user("anna").await;
    let task = create(&anna, json!({"title": "a"})).await;
    let with = |address: String| format!("{address}?fields=title");
    for reply in [
        anna.get(&with("/api/v1/tasks".to_owned())).await,
        anna.post(&with("/api/v1/tasks".to_owned()), json!({"title": "b"})).await,
        anna.get(&with(path(&task))).await,
        anna.put(&with(path(&task)), json!({"title": "b"})).await,
        anna.patch(&with(path(&task)), json!({"title": "b"})).await,
        anna.delete(&with(path(&task))).await,
        anna.post(&with(action(&task, "complete")), Value::Null).await,
    ] {
        reply.expect_problem(400, "unknown_parameter");
    }
    anna.get("/api/v1/tasks?q=milk").await.expect_problem(400, "unknown_parameter");
    assert_eq!(anna.get("/api/v1/tasks").await.expect(200)["items"], json!([task]));
}

#[tokio::test]
async fn a_key_makes_a_request_happen_once() {
    let system = system().await;
    let anna = system.user("anna").await;
    let keyed = anna.with("Idempotency-Key", "one");
    let body = json!({"title": "a"});
    let first = keyed.post("/api/v1/tasks", body.clone()).await;
    let second = keyed.post("/api/v1/tasks", body).await;
    assert_eq!(second.header("idempotency-replayed"), "true");
    for header in ["location", "etag"] {
        assert_eq!(first.header(header), second.header(header));
    }
    let task = first.expect(201);
    assert_eq!(second.expect(201), task);
    keyed.post("/api/v1/tasks", json!({"title": "b"})).await.expect_problem(422, "idempotency_key_reused");
    assert_eq!(anna.get("/api/v1/tasks").await.expect(200)["items"], json!([task]));
    // The answer of the time, though the task has changed since.
    let done = keyed.post(&action(&task, "complete"), Value::Null).await.expect(200);
    let _ = anna.post(&action(&task, "reopen"), Value::Null).await.expect(200);
    assert_eq!(keyed.post(&action(&task, "complete"), Value::Null).await.expect(200), done);
    keyed.post(&action(&task, "complete"), json!({})).await.expect_problem(422, "idempotency_key_reused");
    for verb in ["complete", "reopen"] {
        let said = json!({"status": "cancelled"});
        anna.post(&action(&task, verb), said).await.expect_problem(422, "unknown_field");
    }
    assert_eq!(anna.get(&path(&task)).await.expect(200)["status"], "todo");
}

#[tokio::test]
async fn another_method_is_told_which_there_are() {
    let system = system().await;
    let anna = system.user("anna").await;
    for (address, allowed) in [
        ("/api/v1/tasks", "GET, HEAD, POST"),
        ("/api/v1/tasks/1", "GET, HEAD, PUT, PATCH, DELETE"),
        ("/api/v1/tasks/1/complete", "POST"),
        ("/api/v1/tasks/1/reopen", "POST"),
        ("/api/v1/categories", "GET, HEAD, POST"),
        ("/api/v1/categories/1", "GET, HEAD, PUT, PATCH, DELETE"),
    ] {
        let reply = anna.send(Method::TRACE, address, None).await;
        let told: BTreeSet<_> = reply.header("allow").split(", ").map(str::to_owned).collect();
        assert_eq!(told, allowed.split(", ").map(str::to_owned).collect::<BTreeSet<_>>(), "{address}");
        reply.expect_problem(405, "method_not_allowed");
    }
    anna.get("/api/v1/tasks/1/comments").await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_restart() {
    let mut system = system().await;
    let anna = system.user("anna").await;
    let task = create(&anna, json!({"title": "a", "labels": ["x"]})).await;
    system.restart().await;
    let again = system.anonymous().with_token(anna.token().unwrap());
    assert_eq!(again.get("/api/v1/tasks?label=x").await.expect(200)["items"], json!([task]));
}
