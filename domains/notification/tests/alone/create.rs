//! POST /api/v1/notifications

use crate::{broken, path_of, system, titles};
use serde_json::{Value, json};

const URL: &str = "/api/v1/notifications";

#[tokio::test]
async fn what_is_not_sent_stays_a_draft() {
    let system = system().await;
    let anna = system.user("anna").await;
    let body = json!({
        "recipient_id": anna.id(), "title": " Buy milk ", "body": "two\nlitres", "category": "shopping",
        "action_url": "/api/v1/tasks/1", "channels": ["in_app"],
    });
    let reply = anna.post(URL, body).await;
    assert_eq!(reply.header("etag"), "\"v1\"");
    let location = reply.header("location").to_owned();
    let draft = reply.expect(201);
    assert_eq!(location, path_of(&draft));
    assert_eq!(
        draft,
        json!({
            "id": draft["id"], "recipient_id": anna.id(), "category": "shopping", "title": "Buy milk",
            "body": "two\nlitres", "action_url": "/api/v1/tasks/1", "channels": ["in_app"], "state": "draft",
            "send_at": null, "sent_at": null, "read_at": null, "archived_at": null, "source_event": null,
            "deliveries": [], "created_at": draft["created_at"], "version": 1,
        })
    );
    assert_eq!(anna.get(&location).await.expect(200), draft);
    // Null and nothing are the same.
    let unsaid = json!({"recipient_id": anna.id(), "title": "Buy milk", "send": null});
    assert_eq!(anna.post(URL, unsaid).await.expect(201)["state"], "draft");
    let inbox = anna.get(URL).await.expect(200);
    assert_eq!(inbox["counts"], json!({"unread": 0, "total": 0}));
    assert!(titles(&inbox).is_empty());
}

#[tokio::test]
async fn what_is_sent_at_once_lies_in_the_inbox() {
    let system = system().await;
    let anna = system.user("anna").await;
    let body = json!({"recipient_id": anna.id(), "title": "Lunch", "send": true});
    let sent = anna.post(URL, body).await.expect(201);
    assert_eq!((&sent["state"], &sent["version"]), (&json!("sent"), &json!(1)));
    assert_eq!(
        sent["deliveries"],
        json!([{"channel": "in_app", "state": "delivered", "attempts": 1, "last_error": null,
                "next_retry_at": null, "delivered_at": sent["sent_at"]}])
    );
    let inbox = anna.get(URL).await.expect(200);
    assert_eq!(inbox, json!({"items": [sent], "next_cursor": null, "counts": {"unread": 1, "total": 1}}));
}

#[tokio::test]
async fn everything_wrong_with_the_fields_is_told_at_once() {
    let system = system().await;
    let anna = system.user("anna").await;
    let body = json!({
        "recipient_id": anna.id(), "title": "a\r\nb", "body": "\u{1b}[2J", "category": "A,b",
        "action_url": "javascript:alert(1)", "channels": ["in_app", "in_app", "email"],
    });
    let problem = anna.post(URL, body).await.expect_problem(422, "validation_failed");
    assert_eq!(
        broken(&problem),
        [
            ("/title", "control_character"),
            ("/body", "control_character"),
            ("/category", "invalid_characters"),
            ("/action_url", "invalid_url"),
            ("/channels/1", "duplicate"),
            ("/channels/2", "unsupported_channel"),
        ]
    );
    let rest: Value = anna.get("/api/v1/notifications?box=all").await.expect(200);
    assert!(titles(&rest).is_empty());
}

#[tokio::test]
async fn another_channel_and_a_send_at_come_later() {
    let system = system().await;
    let anna = system.user("anna").await;
    let body = |field: &str, value: Value| {
        let mut body = json!({"recipient_id": anna.id(), "title": "x"});
        body[field] = value;
        body
    };
    for (field, value, code, told) in [
        ("channels", json!(["email"]), "validation_failed", ("/channels/0", "unsupported_channel")),
        ("channels", json!([]), "validation_failed", ("/channels", "too_short")),
        ("title", json!("  "), "validation_failed", ("/title", "too_short")),
        ("title", json!("ü".repeat(201)), "validation_failed", ("/title", "too_long")),
        ("send_at", json!("2030-01-01T00:00:00Z"), "unknown_field", ("/send_at", "unknown_field")),
        ("state", json!("sent"), "unknown_field", ("/state", "unknown_field")),
    ] {
        let problem = anna.post(URL, body(field, value)).await.expect_problem(422, code);
        assert_eq!(broken(&problem), [told]);
    }
}

#[tokio::test]
async fn only_administrators_write_to_others() {
    let system = system().await;
    let (anna, ben, root) = (system.user("anna").await, system.user("ben").await, system.admin().await);
    system.injector().user_created(ben.id(), "ben").await;
    let body = json!({"recipient_id": ben.id(), "title": "Hello", "send": true});
    anna.post(URL, body.clone()).await.expect_problem(403, "insufficient_scope");
    assert_eq!(titles(&ben.get(URL).await.expect(200)), ["Welcome to Cleave"]);
    let sent = root.post(URL, body).await.expect(201);
    assert_eq!(ben.get(&path_of(&sent)).await.expect(200), sent);
    anna.get(&path_of(&sent)).await.expect_problem(404, "not_found");
    system.anonymous().get(&path_of(&sent)).await.expect_problem(401, "unauthorized");
}

#[tokio::test]
async fn a_recipient_must_be_a_user() {
    let system = system().await;
    let (ben, root) = (system.user("ben").await, system.admin().await);
    let body = json!({"recipient_id": ben.id(), "title": "Hello", "send": true});
    let problem = root.post(URL, body.clone()).await.expect_problem(422, "unknown_user");
    assert_eq!(broken(&problem), [("/recipient_id", "unknown_user")]);

    let injector = system.injector();
    injector.user_created(ben.id(), "ben").await;
    let sent = root.post(URL, body.clone()).await.expect(201);
    assert_eq!(ben.get(&path_of(&sent)).await.expect(200), sent);

    injector.user_deleted(ben.id()).await;
    root.post(URL, body.clone()).await.expect_problem(422, "unknown_user");
    // The token outlives the account for a moment; what it could write to is gone.
    ben.post(URL, body).await.expect_problem(422, "unknown_user");
    let left = root.get(&format!("{URL}?box=all&recipient_id={}", ben.id())).await.expect(200);
    assert!(titles(&left).is_empty());
}

#[tokio::test]
async fn a_repeated_request_with_a_key_makes_one_notification() {
    let system = system().await;
    let anna = system.user("anna").await;
    let client = anna.with("Idempotency-Key", "once");
    let body = json!({"recipient_id": anna.id(), "title": "Once", "send": true});
    let first = client.post(URL, body.clone()).await;
    let second = client.post(URL, body).await;
    assert_eq!(second.header("idempotency-replayed"), "true");
    assert_eq!((first.header("location"), first.header("etag")), (second.header("location"), second.header("etag")));
    assert_eq!(first.expect(201), second.expect(201));
    let other = json!({"recipient_id": anna.id(), "title": "Twice", "send": true});
    client.post(URL, other).await.expect_problem(422, "idempotency_key_reused");
    assert_eq!(titles(&anna.get(URL).await.expect(200)), ["Once"]);
}
