//! `POST /api/v1/auth/register`.

use crate::{serve, system};
use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::{Client, System, Topology};

fn body(username: &str, email: &str) -> Value {
    json!({"username": username, "email": email, "password": "korrekt horse"})
}

async fn users(system: &System) -> i64 {
    system.count("user", "SELECT count(*) FROM users WHERE username <> 'admin'").await
}

#[tokio::test]
async fn a_new_account_is_answered_with_all_that_its_owner_may_see() {
    let system = system().await;
    let mut body = body("anna", "Anna@Example.org");
    body["display_name"] = json!(" Anna B ");
    body["timezone"] = json!("Europe/Berlin");
    let reply = system.anonymous().post("/api/v1/auth/register", body).await;
    assert_eq!((reply.header("etag"), reply.header("cache-control")), ("\"v1\"", "no-store"));
    let location = reply.header("location").to_owned();
    let user = reply.expect(201);
    assert_eq!(location, format!("/api/v1/users/{}", user["id"].as_str().unwrap()));
    let mut fields: Vec<_> = user.as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "created_at",
            "display_name",
            "email",
            "email_verified",
            "id",
            "is_active",
            "role",
            "timezone",
            "updated_at",
            "username",
            "version"
        ]
    );
    assert_eq!((&user["email"], &user["display_name"]), (&json!("Anna@Example.org"), &json!("Anna B")));
    assert_eq!(
        (&user["role"], &user["is_active"], &user["email_verified"]),
        (&json!("user"), &json!(true), &json!(false))
    );
    assert!(user["created_at"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn a_name_that_is_taken_in_any_case_is_409() {
    let system = system().await;
    let anonymous = system.anonymous();
    let _ = anonymous.post("/api/v1/auth/register", body("anna", "anna@x.org")).await.expect(201);
    anonymous.post("/api/v1/auth/register", body("bert", "ANNA@X.ORG")).await.expect_problem(409, "email_taken");
    anonymous.post("/api/v1/auth/register", body("anna", "bert@x.org")).await.expect_problem(409, "username_taken");
    assert_eq!(users(&system).await, 1);
}

/// As a client does that comes again when it is told to: hashing has a queue, and other tests run beside.
async fn register(client: &Client, body: Value) -> u16 {
    loop {
        let reply = client.post("/api/v1/auth/register", body.clone()).await;
        if reply.status != 503 {
            return reply.status;
        }
        assert_eq!(reply.header("retry-after"), "1");
    }
}

#[tokio::test]
async fn of_many_at_once_one_is_made() {
    let system = system().await;
    let anonymous = system.anonymous();
    let all = join_all((0..20).map(|i| {
        let email = if i % 2 == 0 { "A@x.org" } else { "a@X.org" };
        register(&anonymous, body(&format!("user{i:02}"), email))
    }));
    let mut statuses: Vec<_> = all.await;
    statuses.sort_unstable();
    assert_eq!(statuses, [&[201][..], &[409; 19]].concat());
    assert_eq!(users(&system).await, 1);
}

#[tokio::test]
async fn of_many_with_a_key_each_one_is_made() {
    let system = system().await;
    let all = join_all((0..6).map(|i| {
        let client = system.anonymous().with("Idempotency-Key", &format!("k{i}"));
        async move { register(&client, body(&format!("user{i:02}"), "a@x.org")).await }
    }));
    let mut statuses: Vec<_> = all.await;
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409], "the database decides where nobody looked first");
    assert_eq!(users(&system).await, 1);
}

#[tokio::test]
async fn what_a_client_may_not_write_is_refused() {
    let system = system().await;
    for field in ["role", "roles", "is_admin", "email_verified", "id", "token_epoch"] {
        let mut body = body("anna", "anna@x.org");
        body[field] = json!("admin");
        let problem = system.anonymous().post("/api/v1/auth/register", body).await.expect_problem(422, "unknown_field");
        assert_eq!(problem["errors"][0]["pointer"], format!("/{field}"));
    }
    assert_eq!(users(&system).await, 0);
}

#[tokio::test]
async fn every_invalid_field_is_told() {
    let system = system().await;
    let body = json!({"username": "A", "email": "a@x\r\nBcc: v[127.0.0.1]", "password": "password1", "display_name": "a\u{202e}b"});
    let problem = system.anonymous().post("/api/v1/auth/register", body).await.expect_problem(422, "validation_failed");
    let told: Vec<_> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| (e["pointer"].as_str().unwrap(), e["code"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            ("/username", "invalid_format"),
            ("/email", "invalid_email"),
            ("/password", "password_common"),
            ("/display_name", "invalid_character")
        ]
    );
    assert_eq!(users(&system).await, 0);
}

#[tokio::test]
async fn an_idempotency_key_replays_the_account_and_refuses_another() {
    let system = system().await;
    let client = system.anonymous().with("Idempotency-Key", "k1");
    let first = client.post("/api/v1/auth/register", body("anna", "anna@x.org")).await;
    let again = client.post("/api/v1/auth/register", body("anna", "anna@x.org")).await;
    assert_eq!((first.header("idempotency-replayed"), again.header("idempotency-replayed")), ("", "true"));
    assert_eq!(first.header("location"), again.header("location"));
    assert_eq!(first.expect(201), again.expect(201));
    // The hash of the request stands for the caller, so another body is another caller with the same key.
    client.post("/api/v1/auth/register", body("anna", "other@x.org")).await.expect_problem(409, "username_taken");
    assert_eq!(users(&system).await, 1);
}

#[tokio::test]
async fn a_closed_registration_is_403() {
    let system = System::start_with(serve, Topology::EMBEDDED, |config| config.registration_open = false).await;
    let reply = system.anonymous().post("/api/v1/auth/register", body("anna", "anna@x.org")).await;
    reply.expect_problem(403, "registration_closed");
    assert_eq!(users(&system).await, 0);
}
