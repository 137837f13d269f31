//! `POST /api/v1/auth/verify`.

use crate::system;
use serde_json::{Value, json};
use testkit::{Client, System};

async fn verify(system: &System, token: &str) -> Value {
    system.anonymous().post("/api/v1/auth/verify", json!({"token": token})).await.expect(200)
}

#[tokio::test]
async fn a_valid_token_is_told_about() {
    let system = system().await;
    let anna: Client = system.user("anna").await;
    let told = verify(&system, anna.token().unwrap()).await;
    assert_eq!((&told["active"], &told["username"], &told["role"]), (&json!(true), &json!("anna"), &json!("user")));
    assert_eq!(told["sub"], json!(anna.id()));
    assert_eq!(told["exp"].as_i64().unwrap() - told["iat"].as_i64().unwrap(), 600);
    assert!(told["session_id"].is_string());
}

#[tokio::test]
async fn of_any_other_it_is_said_only_that_it_is_not() {
    let system = system().await;
    let anna = system.user("anna").await;
    let refresh = crate::sign_in(&system, "anna").await["refresh_token"].as_str().unwrap().to_owned();
    let foreign = system.tokens().token(anna.id(), contracts::user::Role::Admin);
    let _ = anna.post("/api/v1/auth/logout", Value::Null).await.expect(204);
    for token in [anna.token().unwrap(), &refresh, &foreign, "", "a.b.c", &"x".repeat(10_000)] {
        assert_eq!(verify(&system, token).await, json!({"active": false}), "{token}");
    }
}
