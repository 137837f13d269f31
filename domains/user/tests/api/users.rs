//! `/api/v1/users`.

use crate::{sign_in, system, text};
use chrono::TimeDelta;
use serde_json::{Value, json};
use testkit::{Client, System};

async fn names(admin: &Client, query: &str) -> Vec<String> {
    let page = admin.get(&format!("/api/v1/users{query}")).await.expect(200);
    page["items"].as_array().unwrap().iter().map(|user| text(user, "username").to_owned()).collect()
}

async fn create(admin: &Client, username: &str, more: Value) -> Value {
    let mut body = json!({"username": username, "email": format!("{username}@x.org"), "password": "korrekt horse"});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    admin.post("/api/v1/users", body).await.expect(201)
}

/// anna, bert and carl, made one second apart.
async fn three(system: &System, admin: &Client) {
    for (name, more) in [
        ("anna", json!({"display_name": "Ärger_100%"})),
        ("bert", json!({"role": "admin"})),
        ("carl", json!({"email": "Zoe@x.org"})),
    ] {
        system.advance(TimeDelta::seconds(1));
        create(admin, name, more).await;
    }
}

#[tokio::test]
async fn the_list_is_for_administrators() {
    let system = system().await;
    let anna = system.user("anna").await;
    for query in ["", "?role=admin", "?nonsense=1"] {
        anna.get(&format!("/api/v1/users{query}")).await.expect_problem(403, "insufficient_scope");
    }
    let body = json!({"username": "bert", "email": "bert@x.org", "password": "korrekt horse"});
    anna.post("/api/v1/users", body).await.expect_problem(403, "insufficient_scope");
    system.anonymous().get("/api/v1/users").await.expect_problem(401, "unauthorized");
}

#[tokio::test]
async fn filters_narrow_it() {
    let system = system().await;
    let admin = system.admin().await;
    three(&system, &admin).await;
    for (query, expected) in [
        ("", &["carl", "bert", "anna", "admin"][..]),
        ("?q=ann", &["anna"]),
        ("?q=%C3%84RGER", &["anna"]),
        ("?q=_100%25", &["anna"]),
        ("?q=%25", &["anna"]),
        ("?q=_", &["anna"]),
        ("?q=zoe", &["carl"]),
        ("?q=nobody", &[]),
        ("?role=admin", &["bert", "admin"]),
        ("?role=admin,user", &["carl", "bert", "anna", "admin"]),
        ("?role=user&q=x.org", &["carl", "anna"]),
        ("?is_active=false", &[]),
        ("?is_active=true&role=admin", &["bert", "admin"]),
        ("?sort=username", &["admin", "anna", "bert", "carl"]),
        ("?sort=-email", &["carl", "bert", "anna", "admin"]),
        ("?sort=created_at", &["admin", "anna", "bert", "carl"]),
        ("?created_after=2999-01-01T00:00:00Z", &[]),
        ("?created_before=1999-01-01T00:00:00Z", &[]),
    ] {
        assert_eq!(names(&admin, query).await, expected, "{query}");
    }
    let bert = admin.get("/api/v1/users?q=bert").await.expect(200)["items"][0].clone();
    let at = text(&bert, "created_at").to_owned();
    assert_eq!(names(&admin, &format!("?created_after={at}")).await, ["carl"]);
    assert_eq!(names(&admin, &format!("?created_before={at}")).await, ["anna", "admin"]);
}

#[tokio::test]
async fn what_has_no_meaning_is_refused() {
    let system = system().await;
    let admin = system.admin().await;
    for (query, code) in [
        ("?rolle=admin", "unknown_parameter"),
        ("?role=root", "invalid_parameter"),
        ("?is_active=maybe", "invalid_parameter"),
        ("?created_after=yesterday", "invalid_parameter"),
        ("?limit=0", "invalid_parameter"),
        ("?limit=101", "invalid_parameter"),
        ("?q=a&q=b", "invalid_parameter"),
        ("?sort=password_hash", "invalid_sort"),
        ("?cursor=AAAA", "invalid_cursor"),
    ] {
        admin.get(&format!("/api/v1/users{query}")).await.expect_problem(400, code);
    }
}

#[tokio::test]
async fn pages_show_everybody_once() {
    let system = system().await;
    let admin = system.admin().await;
    three(&system, &admin).await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = admin.get(&format!("/api/v1/users?limit=1&sort=username{cursor}")).await.expect(200);
        seen.push(text(&page["items"][0], "username").to_owned());
        if seen.len() == 2 {
            create(&admin, "aaron", json!({})).await;
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["admin", "anna", "bert", "carl"]);
    let other = admin.get(&format!("/api/v1/users?limit=1&sort=email{cursor}")).await;
    other.expect_problem(400, "cursor_mismatch");
}

#[tokio::test]
async fn an_administrator_makes_accounts_also_of_administrators() {
    let system = system().await;
    let admin = system.admin().await;
    let user = create(&admin, "bert", json!({"role": "admin", "display_name": "Bert"})).await;
    assert_eq!((&user["role"], &user["display_name"]), (&json!("admin"), &json!("Bert")));
    let login = json!({"login": "bert", "password": "korrekt horse"});
    let tokens = system.anonymous().post("/api/v1/auth/login", login).await.expect(200);
    let _ = admin.with_token(text(&tokens, "access_token")).get("/api/v1/users").await.expect(200);

    let taken = json!({"username": "bert", "email": "new@x.org", "password": "korrekt horse"});
    admin.post("/api/v1/users", taken).await.expect_problem(409, "username_taken");
    let weak = json!({"username": "carl", "email": "carl@x.org", "password": "12345678"});
    admin.post("/api/v1/users", weak).await.expect_problem(422, "validation_failed");
    assert_eq!(names(&admin, "").await, ["bert", "admin"]);
}

#[tokio::test]
async fn an_account_made_under_a_key_is_made_once_and_the_password_is_not_kept() {
    let system = system().await;
    let admin = system.admin().await.with("Idempotency-Key", "k");
    let body = json!({"username": "bert", "email": "bert@x.org", "password": "korrekt horse"});
    let first = admin.post("/api/v1/users", body.clone()).await;
    let again = admin.post("/api/v1/users", body.clone()).await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(first.expect(201), again.expect(201));
    let hex = if system.on_postgres() { "encode(request_hash, 'hex')" } else { "lower(hex(request_hash))" };
    let sql = format!("SELECT {hex} FROM command_dedup WHERE idem_key = 'k'");
    let stored = system.column("user", &sql).await;
    let plain = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body.to_string().as_bytes());
    let plain: String = plain.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((stored.len(), stored[0].len()), (1, plain.len()));
    assert_ne!(stored[0], plain, "a hash that anybody can compute would let passwords be tried");
    sign_in(&system, "admin").await;
}
