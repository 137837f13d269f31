//! `/api/v1/users/{id}`.

use crate::{is_signed_in, sign_in, system, with};
use futures_util::future::join;
use serde_json::{Value, json};
use testkit::Client;

fn path(client: &Client) -> String {
    format!("/api/v1/users/{}", client.id())
}

#[tokio::test]
async fn strangers_see_the_names_and_cannot_write() {
    let system = system().await;
    let (anna, bert) = (system.user("anna").await, system.user("bert").await);
    let reply = bert.get(&path(&anna)).await;
    assert_eq!(reply.header("etag"), "\"v1-p\"");
    assert_eq!(reply.expect(200), json!({"id": anna.id(), "username": "anna", "display_name": null}));
    assert_eq!(bert.with("If-None-Match", "\"v1-p\"").get(&path(&anna)).await.status, 304);
    assert_eq!(bert.with("If-None-Match", "\"v1\"").get(&path(&anna)).await.status, 200);

    let nobody = "/api/v1/users/01890a5d-ac96-774b-bcce-b302099a8057".to_owned();
    let mut answers = Vec::new();
    for path in [path(&anna), nobody.clone()] {
        let refusals = [
            bert.put(&path, json!({"display_name": "Eve"})).await,
            bert.patch(&path, json!({"role": "admin"})).await,
            bert.delete(&path).await,
            bert.delete_with(&path, json!({"password": system.password()})).await,
        ];
        for reply in refusals {
            let mut problem = reply.expect_problem(404, "not_found");
            problem["request_id"] = Value::Null;
            problem["instance"] = Value::Null;
            answers.push(problem);
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    bert.get(&nobody).await.expect_problem(404, "not_found");
    bert.get("/api/v1/users/7").await.expect_problem(404, "not_found");
    assert_eq!(anna.get(&path(&anna)).await.expect(200)["version"], 1, "nothing was written");
}

#[tokio::test]
async fn the_user_and_administrators_see_and_write_the_profile() {
    let system = system().await;
    let (admin, anna) = (system.admin().await, system.user("anna").await);
    let own = anna.get(&path(&anna)).await;
    assert_eq!(own.header("etag"), "\"v1\"");
    assert_eq!(own.expect(200), admin.get(&path(&anna)).await.expect(200));
    let user = anna.put(&path(&anna), json!({"display_name": "Anna"})).await.expect(200);
    assert_eq!(
        (&user["display_name"], &user["timezone"], &user["version"]),
        (&json!("Anna"), &json!("UTC"), &json!(2))
    );
    anna.patch(&path(&anna), json!({"role": "admin"})).await.expect_problem(403, "insufficient_scope");
    anna.put(&path(&anna), json!({"is_active": false})).await.expect_problem(403, "insufficient_scope");
    for field in ["username", "email", "password", "email_verified"] {
        admin.patch(&path(&anna), json!({field: "x"})).await.expect_problem(422, "unknown_field");
    }
    let replaced = json!({"timezone": "Europe/Berlin", "role": "user", "is_active": true});
    let user = admin.put(&path(&anna), replaced).await.expect(200);
    assert_eq!(
        (&user["display_name"], &user["timezone"], &user["version"]),
        (&json!(null), &json!("Europe/Berlin"), &json!(3))
    );
    assert!(is_signed_in(&anna).await, "a profile ends no session");
}

#[tokio::test]
async fn a_patch_with_a_key_is_done_once() {
    let system = system().await;
    let anna = system.user("anna").await;
    let keyed = anna.with("Idempotency-Key", "k");
    let _ = keyed.patch(&path(&anna), json!({"display_name": "Anna"})).await.expect(200);
    let _ = anna.patch(&path(&anna), json!({"display_name": "Eve"})).await.expect(200);
    let again = keyed.patch(&path(&anna), json!({"display_name": "Anna"})).await;
    assert_eq!((again.header("idempotency-replayed"), again.header("etag")), ("true", "\"v2\""));
    keyed.patch(&path(&anna), json!({"display_name": "Bea"})).await.expect_problem(422, "idempotency_key_reused");
    assert_eq!(anna.get(&path(&anna)).await.expect(200)["display_name"], "Eve");
}

#[tokio::test]
async fn a_demoted_administrator_loses_the_right_at_once() {
    let system = system().await;
    let (admin, anna) = (system.admin().await, system.user("anna").await);
    let _ = admin.patch(&path(&anna), json!({"role": "admin"})).await.expect(200);
    let promoted = with(&anna, &sign_in(&system, "anna").await);
    let _ = promoted.get("/api/v1/users").await.expect(200);
    let _ = admin.patch(&path(&anna), json!({"role": "user"})).await.expect(200);
    promoted.get("/api/v1/users").await.expect_problem(401, "invalid_token");
    with(&anna, &sign_in(&system, "anna").await).get("/api/v1/users").await.expect_problem(403, "insufficient_scope");
}

#[tokio::test]
async fn one_working_administrator_is_always_left() {
    let system = system().await;
    let admin = system.admin().await;
    for body in [json!({"role": "user"}), json!({"is_active": false}), json!({"role": "user", "is_active": false})] {
        admin.patch(&path(&admin), body).await.expect_problem(409, "last_admin");
    }
    let anna = system.user("anna").await;
    let _ = admin.patch(&path(&anna), json!({"role": "admin", "is_active": false})).await.expect(200);
    admin.patch(&path(&admin), json!({"role": "user"})).await.expect_problem(409, "last_admin");
    let me = admin.get(&path(&admin)).await.expect(200);
    assert_eq!((&me["role"], &me["version"]), (&json!("admin"), &json!(1)));
}

#[tokio::test]
async fn of_two_administrators_who_demote_each_other_one_stays() {
    let system = system().await;
    let (admin, anna) = (system.admin().await, system.user("anna").await);
    let _ = admin.patch(&path(&anna), json!({"role": "admin"})).await.expect(200);
    let promoted = with(&anna, &sign_in(&system, "anna").await);
    let (paths, demotion) = ((path(&anna), path(&admin)), json!({"role": "user"}));
    let (one, other) = join(admin.patch(&paths.0, demotion.clone()), promoted.patch(&paths.1, demotion.clone())).await;
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    // The slower one is no administrator any more by then, or finds itself the last.
    assert_eq!(statuses[0], 200);
    assert!(matches!(statuses[1], 401 | 409), "{statuses:?}");
    let admins = "SELECT count(*) FROM users WHERE role = 'admin' AND is_active";
    assert_eq!(system.count("user", admins).await, 1);
}

#[tokio::test]
async fn an_administrator_deletes_others_without_a_password_and_oneself_with_one() {
    let system = system().await;
    let (admin, anna, bert) = (system.admin().await, system.user("anna").await, system.user("bert").await);
    assert_eq!(admin.delete(&path(&anna)).await.status, 204);
    admin.delete(&path(&anna)).await.expect_problem(404, "not_found");
    assert!(!is_signed_in(&anna).await);
    bert.delete(&path(&bert)).await.expect_problem(403, "forbidden");
    bert.delete_with(&path(&bert), json!({"password": "not the password"})).await.expect_problem(403, "forbidden");
    assert!(is_signed_in(&bert).await);
    let password = json!({"password": system.password()});
    bert.with("If-Match", "\"v7\"").delete_with(&path(&bert), password.clone()).await.expect_problem(412, "stale");
    assert_eq!(bert.delete_with(&path(&bert), password).await.status, 204);
}

#[tokio::test]
async fn two_writers_with_one_tag_do_not_both_win() {
    let system = system().await;
    let anna = system.user("anna").await;
    let tagged = anna.with("If-Match", "\"v1\"");
    let own = path(&anna);
    let (one, other) =
        join(tagged.patch(&own, json!({"display_name": "A"})), tagged.patch(&own, json!({"display_name": "B"}))).await;
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    assert_eq!(anna.get(&own).await.expect(200)["version"], 2);
}
