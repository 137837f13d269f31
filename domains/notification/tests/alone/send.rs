//! POST /api/v1/notifications/{id}/send

use crate::{draft, path_of, sent, system, titles};
use serde_json::json;

#[tokio::test]
async fn a_draft_is_sent_once() {
    let system = system().await;
    let anna = system.user("anna").await;
    let path = path_of(&draft(&anna, "Later").await);
    let send = format!("{path}/send");
    anna.with("If-Match", "\"v2\"").post(&send, json!(null)).await.expect_problem(412, "stale");

    let reply = anna.post(&send, json!(null)).await;
    assert_eq!(reply.header("etag"), "\"v2\"");
    let sent = reply.expect(202);
    assert_eq!((&sent["state"], &sent["version"]), (&json!("sent"), &json!(2)));
    assert_eq!(sent["deliveries"][0]["state"], "delivered");
    assert_eq!(anna.get(&path).await.expect(200), sent);

    anna.post(&send, json!(null)).await.expect_problem(409, "already_sent");
    assert_eq!(anna.get(&path).await.expect(200), sent);
    let inbox = anna.get("/api/v1/notifications").await.expect(200);
    assert_eq!((titles(&inbox), &inbox["counts"]["unread"]), (vec!["Later"], &json!(1)));
}

#[tokio::test]
async fn a_draft_for_somebody_else_is_hidden_until_it_is_sent() {
    let system = system().await;
    let (ben, root) = (system.user("ben").await, system.admin().await);
    system.injector().user_created(ben.id(), "ben").await;
    let body = json!({"recipient_id": ben.id(), "title": "Surprise"});
    let path = path_of(&root.post("/api/v1/notifications", body).await.expect(201));
    ben.get(&path).await.expect_problem(404, "not_found");
    ben.post(&format!("{path}/send"), json!(null)).await.expect_problem(404, "not_found");
    let all = ben.get("/api/v1/notifications?box=all").await.expect(200);
    assert_eq!(titles(&all), ["Welcome to Cleave"]);

    assert_eq!(root.post(&format!("{path}/send"), json!(null)).await.status, 202);
    assert_eq!(ben.get(&path).await.expect(200)["title"], "Surprise");
}

#[tokio::test]
async fn twenty_at_once_send_it_once() {
    let system = system().await;
    let anna = system.user("anna").await;
    let path = path_of(&draft(&anna, "x").await);
    let send = format!("{path}/send");
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (anna, send) = (anna.clone(), send.clone());
        calls.spawn(async move { anna.post(&send, json!(null)).await.status });
    }
    let mut statuses = calls.join_all().await;
    statuses.sort_unstable();
    assert_eq!((statuses[0], &statuses[1..]), (202, &[409; 19][..]));
    assert_eq!(anna.get(&path).await.expect(200)["version"], 2);
}

#[tokio::test]
async fn a_repeated_send_with_a_key_is_answered_as_the_first() {
    let system = system().await;
    let anna = system.user("anna").await;
    let client = anna.with("Idempotency-Key", "k");
    let send = format!("{}/send", path_of(&draft(&anna, "x").await));
    let first = client.post(&send, json!(null)).await.expect(202);
    assert_eq!(client.post(&send, json!(null)).await.expect(202), first);
    client.post(&send, json!({})).await.expect_problem(422, "idempotency_key_reused");
    anna.post(&send, json!({"now": true})).await.expect_problem(422, "unknown_field");
    // A key belongs to one address.
    let other = format!("{}/send", path_of(&sent(&anna, "y").await));
    client.post(&other, json!(null)).await.expect_problem(409, "already_sent");
}
