//! `POST /api/v1/auth/logout`.

use crate::{is_signed_in, sign_in, system, text, with};
use serde_json::{Value, json};

#[tokio::test]
async fn a_session_ends_at_once_and_twice_is_as_good_as_once() {
    let system = system().await;
    let anna = system.user("anna").await;
    let (first, other) = (sign_in(&system, "anna").await, sign_in(&system, "anna").await);
    let client = with(&anna, &first);
    for _ in 0..2 {
        assert_eq!(client.post("/api/v1/auth/logout", Value::Null).await.status, 204);
    }
    assert!(!is_signed_in(&client).await);
    let refresh = json!({"refresh_token": first["refresh_token"]});
    anna.post("/api/v1/auth/refresh", refresh).await.expect_problem(401, "refresh_invalid");
    assert!(is_signed_in(&with(&anna, &other)).await, "the other session goes on");
}

#[tokio::test]
async fn all_sessions_end_with_all() {
    let system = system().await;
    let anna = system.user("anna").await;
    let bert = system.user("bert").await;
    let (first, other) = (sign_in(&system, "anna").await, sign_in(&system, "anna").await);
    assert_eq!(with(&anna, &first).post("/api/v1/auth/logout?all=true", Value::Null).await.status, 204);
    for tokens in [&first, &other] {
        assert!(!is_signed_in(&with(&anna, tokens)).await);
        let refresh = json!({"refresh_token": tokens["refresh_token"]});
        anna.post("/api/v1/auth/refresh", refresh).await.expect_problem(401, "refresh_invalid");
    }
    assert!(is_signed_in(&bert).await);
    let repeated = with(&anna, &first);
    assert_eq!(repeated.post("/api/v1/auth/logout?all=true", Value::Null).await.status, 204, "nothing is left to end");
    let again = sign_in(&system, "anna").await;
    assert!(is_signed_in(&with(&anna, &again)).await, "a new sign-in works at once");
    repeated.post("/api/v1/auth/logout?all=true", Value::Null).await.expect_problem(401, "invalid_token");
    assert!(is_signed_in(&with(&anna, &again)).await, "the old token does not end it");
}

#[tokio::test]
async fn who_is_not_signed_in_cannot_sign_out() {
    let system = system().await;
    let anna = system.user("anna").await;
    let anonymous = system.anonymous();
    for path in ["/api/v1/auth/logout", "/api/v1/auth/logout?al=true"] {
        anonymous.post(path, Value::Null).await.expect_problem(401, "unauthorized");
    }
    anonymous.with_token("a.b.c").post("/api/v1/auth/logout", Value::Null).await.expect_problem(401, "invalid_token");
    let mut forged = anna.token().unwrap().to_owned();
    forged.replace_range(forged.len() - 8.., "AAAAAAAA");
    anonymous.with_token(&forged).post("/api/v1/auth/logout", Value::Null).await.expect_problem(401, "invalid_token");
    anna.post("/api/v1/auth/logout?al=true", Value::Null).await.expect_problem(400, "unknown_parameter");
    assert!(is_signed_in(&anna).await);
}

#[tokio::test]
async fn a_session_that_has_ended_cannot_end_the_others() {
    let system = system().await;
    let anna = system.user("anna").await;
    let (first, other) = (sign_in(&system, "anna").await, sign_in(&system, "anna").await);
    let client = anna.with_token(text(&first, "access_token"));
    assert_eq!(client.post("/api/v1/auth/logout", Value::Null).await.status, 204);
    client.post("/api/v1/auth/logout?all=true", Value::Null).await.expect_problem(401, "invalid_token");
    assert!(is_signed_in(&with(&anna, &other)).await);
}

#[tokio::test]
async fn a_restart_does_not_revive_a_session() {
    let mut system = system().await;
    let anna = system.user("anna").await;
    let _ = anna.post("/api/v1/auth/logout", Value::Null).await.expect(204);
    system.restart().await;
    let client = system.anonymous().with_token(anna.token().unwrap());
    assert!(!is_signed_in(&client).await);
}
