//! `/api/v1/users/me`.

use crate::{is_signed_in, sign_in, system, with};
use serde_json::json;

const ME: &str = "/api/v1/users/me";

#[tokio::test]
async fn the_own_account_has_a_version_and_a_tag() {
    let system = system().await;
    let anna = system.user("anna").await;
    let reply = anna.get(ME).await;
    assert_eq!((reply.header("etag"), reply.header("cache-control")), ("\"v1\"", "private, no-cache"));
    assert_eq!(reply.header("vary"), "Authorization, Origin");
    assert_eq!(reply.expect(200)["username"], "anna");
    assert_eq!(anna.with("If-None-Match", "\"v1\"").get(ME).await.status, 304);
    system.anonymous().get(ME).await.expect_problem(401, "unauthorized");
}

#[tokio::test]
async fn a_patch_changes_the_profile_and_nothing_else() {
    let system = system().await;
    let anna = system.user("anna").await;
    let user = anna.patch(ME, json!({"display_name": "Anna", "timezone": "Europe/Berlin"})).await.expect(200);
    assert_eq!(
        (&user["display_name"], &user["timezone"], &user["version"]),
        (&json!("Anna"), &json!("Europe/Berlin"), &json!(2))
    );
    let user = anna.patch(ME, json!({"display_name": null})).await.expect(200);
    assert_eq!(
        (&user["display_name"], &user["timezone"], &user["version"]),
        (&json!(null), &json!("Europe/Berlin"), &json!(3))
    );
    for field in ["username", "email", "role", "is_active", "version", "id"] {
        anna.patch(ME, json!({field: "x"})).await.expect_problem(422, "unknown_field");
    }
    assert_eq!(anna.get(ME).await.expect(200), user);
    assert!(is_signed_in(&anna).await);
}

#[tokio::test]
async fn a_stale_write_is_refused() {
    let system = system().await;
    let anna = system.user("anna").await;
    let _ = anna.with("If-Match", "\"v1\"").patch(ME, json!({"display_name": "Anna"})).await.expect(200);
    let problem =
        anna.with("If-Match", "\"v1\"").patch(ME, json!({"display_name": "Eve"})).await.expect_problem(412, "stale");
    assert_eq!(problem["current_etag"], "\"v2\"");
    assert_eq!(anna.get(ME).await.expect(200)["display_name"], "Anna");
}

#[tokio::test]
async fn deleting_asks_for_the_password_and_ends_everything() {
    let system = system().await;
    let anna = system.user("anna").await;
    let tokens = sign_in(&system, "anna").await;
    anna.delete_with(ME, json!({"password": "not the password"})).await.expect_problem(403, "forbidden");
    anna.delete_with(ME, json!({})).await.expect_problem(422, "validation_failed");
    assert!(is_signed_in(&anna).await, "nothing happened");

    let password = json!({"password": system.password()});
    assert_eq!(anna.delete_with(ME, password).await.status, 204);
    for client in [anna.clone(), with(&anna, &tokens)] {
        assert!(!is_signed_in(&client).await);
    }
    let refresh = json!({"refresh_token": tokens["refresh_token"]});
    anna.post("/api/v1/auth/refresh", refresh).await.expect_problem(401, "refresh_invalid");
    let again = system.user("anna").await;
    assert_ne!(again.id(), anna.id(), "the name is free for somebody new");
    assert!(!is_signed_in(&anna).await);
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let system = system().await;
    let admin = system.admin().await;
    let password = json!({"password": system.password()});
    admin.delete_with(ME, password.clone()).await.expect_problem(409, "last_admin");
    assert!(is_signed_in(&admin).await);
    let anna = system.user("anna").await;
    let _ = admin.patch(&format!("/api/v1/users/{}", anna.id()), json!({"role": "admin"})).await.expect(200);
    assert_eq!(admin.delete_with(ME, password).await.status, 204);
}
