//! POST /api/v1/notifications/mark

use crate::{broken, draft, path_of, sent, system, titles};
use serde_json::{Value, json};

const URL: &str = "/api/v1/notifications/mark";

#[tokio::test]
async fn some_all_or_the_older_ones_are_marked() {
    let system = system().await;
    let anna = system.user("anna").await;
    let (one, two, three) = (sent(&anna, "1").await, sent(&anna, "2").await, sent(&anna, "3").await);
    draft(&anna, "draft").await;

    let marked = anna.post(URL, json!({"action": "read", "ids": [one["id"], two["id"]]})).await.expect(200);
    assert_eq!(marked, json!({"changed": 2, "counts": {"unread": 1, "total": 3}}));
    let read = anna.get(&path_of(&one)).await;
    assert_eq!(read.header("etag"), "\"v2\"");
    assert!(read.expect(200)["read_at"].is_string());
    assert_eq!(anna.get(&path_of(&three)).await.expect(200), three);

    let marked = anna.post(URL, json!({"action": "unread", "all": true})).await.expect(200);
    assert_eq!(marked, json!({"changed": 2, "counts": {"unread": 3, "total": 3}}));

    let marked = anna.post(URL, json!({"action": "archive", "before": three["created_at"]})).await.expect(200);
    assert_eq!(marked, json!({"changed": 2, "counts": {"unread": 1, "total": 1}}));
    assert_eq!(titles(&anna.get("/api/v1/notifications").await.expect(200)), ["3"]);
    assert_eq!(titles(&anna.get("/api/v1/notifications?box=archived").await.expect(200)), ["2", "1"]);
}

#[tokio::test]
async fn nobody_marks_for_others() {
    let system = system().await;
    let (anna, root) = (system.user("anna").await, system.admin().await);
    let theirs = sent(&anna, "x").await;
    for body in [json!({"action": "read", "ids": [theirs["id"]]}), json!({"action": "archive", "all": true})] {
        let marked = root.post(URL, body).await.expect(200);
        assert_eq!(marked, json!({"changed": 0, "counts": {"unread": 0, "total": 0}}));
    }
    assert_eq!(anna.get(&path_of(&theirs)).await.expect(200), theirs);
}

#[tokio::test]
async fn exactly_one_selector_is_given() {
    let system = system().await;
    let anna = system.user("anna").await;
    let notification = sent(&anna, "x").await;
    let id = &notification["id"];
    let cases: [(Value, (&str, &str)); 6] = [
        (json!({"action": "read"}), ("", "exactly_one")),
        (json!({"action": "read", "all": true, "ids": [id]}), ("", "exactly_one")),
        (json!({"action": "read", "all": true, "before": "2030-01-01T00:00:00Z"}), ("", "exactly_one")),
        (json!({"action": "read", "all": false}), ("/all", "invalid_value")),
        (json!({"action": "read", "ids": []}), ("/ids", "too_short")),
        (json!({"action": "read", "ids": vec![id; 501]}), ("/ids", "too_long")),
    ];
    for (body, told) in cases {
        let problem = anna.post(URL, body).await.expect_problem(422, "validation_failed");
        assert_eq!(broken(&problem), [told]);
    }
    let unknown = json!({"action": "burn", "all": true});
    anna.post(URL, unknown).await.expect_problem(422, "validation_failed");
    assert_eq!(anna.get(&path_of(&notification)).await.expect(200), notification);
}

#[tokio::test]
async fn a_repeated_mark_with_a_key_leaves_what_came_since() {
    let system = system().await;
    let anna = system.user("anna").await;
    sent(&anna, "1").await;
    let client = anna.with("Idempotency-Key", "k");
    let body = json!({"action": "read", "all": true});
    let first = client.post(URL, body.clone()).await.expect(200);
    assert_eq!(first, json!({"changed": 1, "counts": {"unread": 0, "total": 1}}));
    sent(&anna, "2").await;
    assert_eq!(client.post(URL, body).await.expect(200), first);
    let inbox = anna.get("/api/v1/notifications").await.expect(200);
    assert_eq!(inbox["counts"], json!({"unread": 1, "total": 2}));
}
