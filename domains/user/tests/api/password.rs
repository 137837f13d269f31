//! `PUT /api/v1/users/me/password`.

use crate::{is_signed_in, sign_in, system, text, with};
use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::{Client, Reply, System};

const PASSWORD: &str = "/api/v1/users/me/password";
const NEW: &str = "another long secret";

async fn change(client: &Client, system: &System, new: &str) -> Reply {
    client.put(PASSWORD, json!({"current_password": system.password(), "new_password": new})).await
}

async fn login(system: &System, password: &str) -> u16 {
    system.anonymous().post("/api/v1/auth/login", json!({"login": "anna", "password": password})).await.status
}

async fn refresh(system: &System, tokens: &Value) -> Reply {
    let body = json!({"refresh_token": tokens["refresh_token"]});
    system.anonymous().post("/api/v1/auth/refresh", body).await
}

#[tokio::test]
async fn every_other_session_ends_and_the_one_that_changed_it_goes_on() {
    let system = system().await;
    let anna = system.user("anna").await;
    let bert = system.user("bert").await;
    let (here, there) = (sign_in(&system, "anna").await, sign_in(&system, "anna").await);
    let changed = change(&with(&anna, &here), &system, NEW).await;
    assert_eq!((changed.status, changed.text.as_str()), (204, ""));

    for other in [anna.clone(), with(&anna, &there)] {
        assert!(!is_signed_in(&other).await);
    }
    refresh(&system, &there).await.expect_problem(401, "refresh_invalid");
    assert!(is_signed_in(&with(&anna, &here)).await);
    let newer = refresh(&system, &here).await.expect(200);
    assert!(is_signed_in(&with(&anna, &newer)).await);
    assert!(is_signed_in(&bert).await);
    assert_eq!((login(&system, system.password()).await, login(&system, NEW).await), (401, 200));

    let epoch = "SELECT token_epoch FROM users WHERE username = 'anna'";
    assert_eq!(system.count("user", epoch).await, 1, "the sessions ended one by one");
    let reasons = system.column("user", "SELECT revoke_reason FROM session WHERE revoked_at IS NOT NULL").await;
    assert_eq!(reasons, ["password_changed", "password_changed"]);
    let told = "SELECT count(*) FROM outbox WHERE event_type = 'user.password_changed.v1'";
    assert_eq!(system.count("user", told).await, 1);
    system.settle().await;
}

#[tokio::test]
async fn only_what_still_has_an_access_token_is_revoked_and_all_of_it_ends() {
    let system = system().await;
    let anna = system.user("anna").await;
    let old = sign_in(&system, "anna").await;
    system.advance(TimeDelta::minutes(11));
    let (one, two, here) =
        (sign_in(&system, "anna").await, sign_in(&system, "anna").await, sign_in(&system, "anna").await);
    let old_again = refresh(&system, &old).await.expect(200);
    assert_eq!(change(&with(&anna, &here), &system, NEW).await.status, 204);

    for other in [&one, &two, &old_again] {
        assert!(!is_signed_in(&with(&anna, other)).await);
        refresh(&system, other).await.expect_problem(401, "refresh_invalid");
    }
    assert!(is_signed_in(&with(&anna, &here)).await);
    let ended = "SELECT count(*) FROM session WHERE revoke_reason = 'password_changed'";
    assert_eq!(system.count("user", ended).await, 4, "also the one of the registration, which nobody used since");
    let revoked = system.count("user", "SELECT count(*) FROM revocation").await;
    let of_others = "SELECT count(DISTINCT session_id) FROM revocation WHERE session_id IN
        (SELECT id FROM session WHERE revoke_reason = 'password_changed') AND user_id IS NULL";
    assert_eq!((revoked, system.count("user", of_others).await), (3, 3));
}

/// What ends them holds the lock under which revocations are numbered.
#[tokio::test]
async fn however_many_sessions_there_are_two_statements_end_them() {
    let system = system().await;
    let anna = system.user("anna").await;
    if !system.on_postgres() {
        return;
    }
    let many = "CREATE TABLE executed (what text);
        CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
          $$ BEGIN INSERT INTO \"user\".executed VALUES (TG_OP || ' ' || TG_TABLE_NAME); RETURN NULL; END $$;
        INSERT INTO session SELECT gen_random_uuid(), user_id, created_at, last_used_at, absolute_exp
          FROM session, generate_series(1, 500) WHERE user_id = (SELECT id FROM users WHERE username = 'anna');
        CREATE TRIGGER note AFTER UPDATE ON session EXECUTE FUNCTION note();
        CREATE TRIGGER note AFTER INSERT ON revocation EXECUTE FUNCTION note();";
    system.execute("user", many).await;
    assert_eq!(change(&anna, &system, NEW).await.status, 204);
    let executed = "SELECT what || ' ' || count(*) FROM executed GROUP BY what ORDER BY what";
    assert_eq!(system.column("user", executed).await, ["INSERT revocation 1", "UPDATE session 1"]);
    assert_eq!(system.count("user", "SELECT count(*) FROM revocation").await, 500);
    assert!(is_signed_in(&anna).await);
}

#[tokio::test]
async fn without_the_present_password_nothing_changes() {
    let system = system().await;
    let anna = system.user("anna").await;
    let other = sign_in(&system, "anna").await;
    let wrong = json!({"current_password": "not the password", "new_password": NEW});
    anna.put(PASSWORD, wrong.clone()).await.expect_problem(403, "forbidden");
    let same = json!({"current_password": NEW, "new_password": NEW});
    anna.put(PASSWORD, same).await.expect_problem(403, "forbidden");
    system.anonymous().put(PASSWORD, wrong).await.expect_problem(401, "unauthorized");
    assert!(is_signed_in(&with(&anna, &other)).await);
    assert_eq!((login(&system, NEW).await, login(&system, system.password()).await), (401, 200));
    let told = "SELECT count(*) FROM outbox WHERE event_type = 'user.password_changed.v1'";
    assert_eq!(system.count("user", told).await, 0);
}

#[tokio::test]
async fn the_rules_of_a_new_account_hold_and_it_must_be_another_one() {
    let system = system().await;
    let anna = system.user("anna").await;
    for (new, code) in [
        ("kx7!pq2", "invalid_length"),
        ("x".repeat(129).as_str(), "invalid_length"),
        ("🔑".repeat(128).as_str(), "none"),
        ("password1", "password_common"),
        ("anna2026!", "password_common"),
        ("Anna@Example.org", "password_common"),
        (system.password(), "unchanged"),
    ] {
        let reply = change(&anna, &system, new).await;
        if code == "none" {
            assert_eq!(reply.status, 204, "512 bytes are not too many");
            let back = json!({"current_password": new, "new_password": system.password()});
            assert_eq!(anna.put(PASSWORD, back).await.status, 204);
            continue;
        }
        let problem = reply.expect_problem(422, "validation_failed");
        assert_eq!(
            (text(&problem["errors"][0], "pointer"), text(&problem["errors"][0], "code")),
            ("/new_password", code)
        );
    }
    anna.put(PASSWORD, json!({"new_password": NEW})).await.expect_problem(422, "validation_failed");
    let more = json!({"current_password": system.password(), "new_password": NEW, "user_id": anna.id()});
    anna.put(PASSWORD, more).await.expect_problem(422, "unknown_field");
    assert_eq!(login(&system, system.password()).await, 200);
}

#[tokio::test]
async fn of_many_changes_at_once_one_is_made() {
    let system = system().await;
    let anna = system.user("anna").await;
    let (one, system_) = (&anna, &system);
    let news: Vec<String> = (0..10).map(|n| format!("another long secret {n}")).collect();
    let replies = join_all(news.iter().map(|new| change(one, system_, new))).await;
    let won: Vec<usize> = (0..10).filter(|n| replies[*n].status == 204).collect();
    assert_eq!(won.len(), 1, "{replies:?}");
    assert!(replies.iter().all(|reply| matches!(reply.status, 204 | 403)));
    for (n, new) in news.iter().enumerate() {
        assert_eq!(login(&system, new).await, if n == won[0] { 200 } else { 401 });
    }
}
