//! GET, PATCH and DELETE /api/v1/notifications/{id}

use crate::{broken, draft, path_of, sent, system};
use serde_json::json;

#[tokio::test]
async fn a_version_that_the_client_has_is_not_sent_again() {
    let system = system().await;
    let anna = system.user("anna").await;
    let path = path_of(&sent(&anna, "x").await);
    let reply = anna.get(&path).await;
    assert_eq!((reply.status, reply.header("etag")), (200, "\"v1\""));
    assert_eq!(reply.header("cache-control"), "private, no-cache");
    let again = anna.with("If-None-Match", "\"v1\"").get(&path).await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    assert_eq!(anna.patch(&path, json!({"read": true})).await.status, 200);
    assert_eq!(anna.with("If-None-Match", "\"v1\"").get(&path).await.header("etag"), "\"v2\"");
}

#[tokio::test]
async fn reading_and_archiving_move_the_counts() {
    let system = system().await;
    let anna = system.user("anna").await;
    let path = path_of(&sent(&anna, "x").await);
    let counts = async || anna.get("/api/v1/notifications").await.expect(200)["counts"].clone();

    let reply = anna.patch(&path, json!({"read": true})).await;
    assert_eq!(reply.header("etag"), "\"v2\"");
    assert!(reply.expect(200)["read_at"].is_string());
    assert_eq!(counts().await, json!({"unread": 0, "total": 1}));

    let archived = anna.patch(&path, json!({"archived": true, "read": false})).await.expect(200);
    assert_eq!((&archived["read_at"], &archived["version"]), (&json!(null), &json!(3)));
    assert_eq!(counts().await, json!({"unread": 0, "total": 0}));

    let back = anna.patch(&path, json!({"archived": false})).await.expect(200);
    assert_eq!((&back["archived_at"], &back["version"]), (&json!(null), &json!(4)));
    assert_eq!(counts().await, json!({"unread": 1, "total": 1}));

    // What is no news is no new version.
    assert_eq!(anna.patch(&path, json!({"archived": false})).await.expect(200), back);
    assert_eq!(anna.patch(&path, json!({})).await.expect(200), back);
}

#[tokio::test]
async fn a_stale_write_is_refused_with_the_present_tag() {
    let system = system().await;
    let anna = system.user("anna").await;
    let path = path_of(&sent(&anna, "x").await);
    assert_eq!(anna.patch(&path, json!({"read": true})).await.status, 200);
    let late = anna.with("If-Match", "\"v1\"");
    let problem = late.patch(&path, json!({"archived": true})).await.expect_problem(412, "stale");
    assert_eq!(problem["current_etag"], "\"v2\"");
    late.delete(&path).await.expect_problem(412, "stale");
    let now = anna.get(&path).await.expect(200);
    assert_eq!((&now["archived_at"], &now["version"]), (&json!(null), &json!(2)));
    assert_eq!(anna.with("If-Match", "\"v2\"").delete(&path).await.status, 204);
}

#[tokio::test]
async fn a_patch_says_true_or_false_and_nothing_else() {
    let system = system().await;
    let anna = system.user("anna").await;
    let path = path_of(&sent(&anna, "x").await);
    let problem = anna.patch(&path, json!({"read": null})).await.expect_problem(422, "validation_failed");
    assert_eq!(broken(&problem), [("/read", "required")]);
    anna.patch(&path, json!({"read": "yes"})).await.expect_problem(422, "validation_failed");
    let problem = anna.patch(&path, json!({"title": "y"})).await.expect_problem(422, "unknown_field");
    assert_eq!(broken(&problem), [("/title", "unknown_field")]);
    assert_eq!(anna.get(&path).await.expect(200)["version"], 1);
}

#[tokio::test]
async fn a_draft_can_be_neither_read_nor_archived() {
    let system = system().await;
    let anna = system.user("anna").await;
    let path = path_of(&draft(&anna, "x").await);
    for body in [json!({"read": true}), json!({"archived": true})] {
        let problem = anna.patch(&path, body).await.expect_problem(409, "invalid_transition");
        assert_eq!(problem["allowed"], json!(["sent"]));
    }
}

#[tokio::test]
async fn to_strangers_it_does_not_exist() {
    let system = system().await;
    let (anna, ben) = (system.user("anna").await, system.user("ben").await);
    let notification = sent(&anna, "x").await;
    let path = path_of(&notification);
    for path in [path.as_str(), "/api/v1/notifications/0190a0a0-0000-7000-8000-000000000000", "/api/v1/notifications/x"]
    {
        ben.get(path).await.expect_problem(404, "not_found");
        ben.patch(path, json!({"read": true})).await.expect_problem(404, "not_found");
        ben.delete(path).await.expect_problem(404, "not_found");
        ben.post(&format!("{path}/send"), json!(null)).await.expect_problem(404, "not_found");
    }
    assert_eq!(anna.get(&path).await.expect(200), notification);
}

#[tokio::test]
async fn what_is_thrown_away_is_gone() {
    let system = system().await;
    let anna = system.user("anna").await;
    let path = path_of(&sent(&anna, "x").await);
    let reply = anna.delete(&path).await;
    assert_eq!((reply.status, reply.text.as_str()), (204, ""));
    anna.get(&path).await.expect_problem(404, "not_found");
    anna.delete(&path).await.expect_problem(404, "not_found");
    assert_eq!(anna.get("/api/v1/notifications").await.expect(200)["counts"]["total"], 0);
    let put = anna.put(&path, json!({})).await;
    assert_eq!(put.header("allow"), "GET, HEAD, PATCH, DELETE");
    put.expect_problem(405, "method_not_allowed");
}
