//! What the domain publishes, read from its outbox.

use crate::{system, text};
use serde_json::{Value, json};
use testkit::{Client, System};

/// Type, sequence and data of all events of a user, in order.
pub(crate) async fn events_of(system: &System, id: &str) -> Vec<(String, i64, Value)> {
    let payload = if system.on_postgres() { "convert_from(payload, 'UTF8')" } else { "CAST(payload AS TEXT)" };
    let sql = format!(
        "SELECT event_type || ' ' || aggregate_seq || ' ' || {payload} FROM outbox WHERE aggregate_id = '{id}'
         ORDER BY aggregate_seq"
    );
    let event = |line: &String| {
        let mut parts = line.splitn(3, ' ');
        let mut part = || parts.next().unwrap();
        (part().to_owned(), part().parse().unwrap(), serde_json::from_str(part()).unwrap())
    };
    system.column("user", &sql).await.iter().map(event).collect()
}

pub(crate) fn names(events: &[(String, i64, Value)]) -> Vec<(&str, i64)> {
    events.iter().map(|(name, seq, _)| (name.as_str(), *seq)).collect()
}

#[tokio::test]
async fn an_account_is_published_when_it_is_made_and_when_it_changes() {
    let system = system().await;
    let anna = system.user("anna").await;
    let id = anna.id().to_string();
    let _ = anna.patch("/api/v1/users/me", json!({"display_name": "Anna"})).await.expect(200);
    let _ = anna.patch("/api/v1/users/me", json!({"display_name": "Anna"})).await.expect(200);

    let events = events_of(&system, &id).await;
    assert_eq!(names(&events), [("user.created.v1", 1), ("user.updated.v1", 2)], "no change publishes nothing");
    let profile = json!({
        "user_id": id, "username": "anna", "email": "anna@example.org", "display_name": null, "timezone": "UTC",
        "role": "user", "is_active": true,
    });
    assert_eq!(events[0].2, profile);
    let mut changed = profile;
    changed["display_name"] = json!("Anna");
    changed["changes"] = json!([{"field": "display_name", "from": null, "to": "Anna"}]);
    assert_eq!(events[1].2, changed);
    system.settle().await;
}

#[tokio::test]
async fn a_refused_write_publishes_nothing() {
    let system = system().await;
    let anna = system.user("anna").await;
    let stale = anna.with("If-Match", "\"v9\"").patch("/api/v1/users/me", json!({"display_name": "Anna"})).await;
    stale.expect_problem(412, "stale");
    assert_eq!(names(&events_of(&system, &anna.id().to_string()).await), [("user.created.v1", 1)]);
}

#[tokio::test]
async fn deleting_blanks_what_was_published_of_a_person() {
    let system = system().await;
    let anna = system.user("anna").await;
    let id = anna.id().to_string();
    let _ = anna.patch("/api/v1/users/me", json!({"display_name": "Anna"})).await.expect(200);
    let password = json!({"password": system.password()});
    assert_eq!(anna.delete_with("/api/v1/users/me", password).await.status, 204);

    let events = events_of(&system, &id).await;
    assert_eq!(names(&events), [("user.created.v1", 1), ("user.updated.v1", 2), ("user.deleted.v1", 3)]);
    assert_eq!((&events[0].2, &events[1].2), (&json!({"erased": true}), &json!({"erased": true})));
    assert_eq!(events[2].2, json!({"user_id": id}));
    let left = "SELECT (SELECT count(*) FROM users WHERE username = 'anna') + (SELECT count(*) FROM session) + (SELECT count(*) FROM refresh_token)";
    assert_eq!(system.count("user", left).await, 0);
}

#[tokio::test]
async fn deleting_forgets_the_answers_that_show_a_person() {
    let system = system().await;
    let (admin, visitor) = (system.admin().await, system.anonymous());
    let keyed = |client: &Client, key: &str| client.with("Idempotency-Key", key);
    let account = |name: &str| {
        let email = format!("{name}@gone.example");
        json!({"username": name, "email": email, "password": "correct horse battery"})
    };
    let made = keyed(&admin, "make").post("/api/v1/users", account("bert")).await.expect(201);
    let registered = keyed(&visitor, "register").post("/api/v1/auth/register", account("anna")).await.expect(201);
    for user in [&made, &registered] {
        let path = format!("/api/v1/users/{}", text(user, "id"));
        let _ = keyed(&admin, "name").patch(&path, json!({"display_name": "Gone"})).await.expect(200);
    }
    let kept = json!({"display_name": "Chief"});
    let _ = keyed(&admin, "own").patch("/api/v1/users/me", kept).await.expect(200);
    for user in [&made, &registered] {
        assert_eq!(admin.delete(&format!("/api/v1/users/{}", text(user, "id"))).await.status, 204);
    }

    let body = if system.on_postgres() { "convert_from(response_body, 'UTF8')" } else { "CAST(response_body AS TEXT)" };
    let shown = format!("SELECT count(*) FROM command_dedup WHERE {body} LIKE '%gone.example%'");
    assert_eq!(system.count("user", &shown).await, 0);
    let kept = system.count("user", "SELECT count(*) FROM command_dedup").await;
    assert_eq!(kept, 1, "what was answered about others is kept");
    let again = keyed(&visitor, "register").post("/api/v1/auth/register", account("anna")).await;
    assert_eq!(again.header("idempotency-replayed"), "");
    assert_ne!(again.expect(201)["id"], registered["id"], "the address is free for somebody new");
}

#[tokio::test]
async fn the_database_holds_no_token_in_clear() {
    let system = system().await;
    let anna = system.user("anna").await;
    let tokens = crate::sign_in(&system, "anna").await;
    let refreshed =
        anna.post("/api/v1/auth/refresh", json!({"refresh_token": tokens["refresh_token"]})).await.expect(200);
    for entry in std::fs::read_dir(system.directory()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            for secret in [text(&tokens, "refresh_token"), text(&refreshed, "refresh_token"), system.password()] {
                let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!found, "{} holds a secret", path.display());
            }
        }
    }
}
