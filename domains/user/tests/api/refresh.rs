//! `POST /api/v1/auth/refresh`.

use crate::outbox::{events_of, names};
use crate::{is_signed_in, sign_in, system, text, with};
use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::time::Duration;
use testkit::{Reply, System, eventually};

async fn refresh(system: &System, token: &str) -> Reply {
    system.anonymous().post("/api/v1/auth/refresh", json!({"refresh_token": token})).await
}

/// How often somebody was told that a sign-in was ended.
async fn told(system: &System) -> i64 {
    system.count("user", "SELECT count(*) FROM outbox WHERE event_type = 'user.access_revoked.v1'").await
}

async fn refreshed(system: &System, tokens: &Value) -> Value {
    refresh(system, text(tokens, "refresh_token")).await.expect(200)
}

#[tokio::test]
async fn a_refresh_brings_a_new_pair_of_the_same_session() {
    let system = system().await;
    let anna = system.user("anna").await;
    let first = sign_in(&system, "anna").await;
    let reply = refresh(&system, text(&first, "refresh_token")).await;
    assert_eq!(reply.header("cache-control"), "no-store");
    let second = reply.expect(200);
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert!(is_signed_in(&with(&anna, &second)).await);
    let session = |tokens: Value| {
        let system = &system;
        async move {
            let body = json!({"token": tokens["access_token"]});
            system.anonymous().post("/api/v1/auth/verify", body).await.expect(200)["session_id"].clone()
        }
    };
    assert_eq!(session(first).await, session(second).await);
}

#[tokio::test]
async fn a_lost_reply_is_sent_again_within_the_grace() {
    let system = system().await;
    system.user("anna").await;
    let first = sign_in(&system, "anna").await;
    let second = refreshed(&system, &first).await;
    system.advance(TimeDelta::seconds(9));
    let again = refreshed(&system, &first).await;
    assert_eq!(second["refresh_token"], again["refresh_token"]);
    let _ = refreshed(&system, &again).await;
    assert_eq!(told(&system).await, 0, "nobody is taken for a thief");
}

#[tokio::test]
async fn a_reuse_after_the_grace_ends_the_session() {
    let system = system().await;
    let anna = system.user("anna").await;
    let first = sign_in(&system, "anna").await;
    let second = refreshed(&system, &first).await;
    let other = sign_in(&system, "anna").await;
    system.advance(TimeDelta::seconds(11));
    refresh(&system, text(&first, "refresh_token")).await.expect_problem(401, "refresh_reused");

    assert!(!is_signed_in(&with(&anna, &second)).await, "its access tokens are refused at once");
    refresh(&system, text(&second, "refresh_token")).await.expect_problem(401, "refresh_invalid");
    refresh(&system, text(&first, "refresh_token")).await.expect_problem(401, "refresh_invalid");
    let reasons = system.column("user", "SELECT revoke_reason FROM session WHERE revoked_at IS NOT NULL").await;
    assert_eq!(reasons, ["reused"]);
    assert!(is_signed_in(&with(&anna, &other)).await, "other sessions go on");
    let _ = refreshed(&system, &other).await;
    assert_eq!(told(&system).await, 1, "of all that were refused, the first ended it");
}

#[tokio::test]
async fn its_owner_is_told_in_the_same_transaction_which_session_ended_and_why() {
    let system = system().await;
    let anna = system.user("anna").await;
    let first = sign_in(&system, "anna").await;
    let second = refreshed(&system, &first).await;
    let sessions = with(&anna, &second).get("/api/v1/users/me/sessions").await.expect(200);
    let ended = sessions["items"].as_array().unwrap().iter().find(|session| session["current"] == true).unwrap();
    system.advance(TimeDelta::seconds(11));
    refresh(&system, text(&first, "refresh_token")).await.expect_problem(401, "refresh_reused");

    let events = events_of(&system, &anna.id().to_string()).await;
    assert_eq!(names(&events), [("user.created.v1", 1), ("user.access_revoked.v1", 2)]);
    let data = json!({"user_id": anna.id(), "session_id": ended["id"], "reason": "refresh_reused"});
    assert_eq!(events[1].2, data, "and nothing of a token");
    let profile = anna.get("/api/v1/users/me").await;
    assert_eq!(profile.header("etag"), "\"v1\"", "the account itself has not changed");
    system.settle().await;
}

#[tokio::test]
async fn of_many_reuses_at_once_one_is_told() {
    let system = system().await;
    let anna = system.user("anna").await;
    let first = sign_in(&system, "anna").await;
    let second = refreshed(&system, &first).await;
    system.advance(TimeDelta::seconds(11));
    let replies = join_all((0..20).map(|_| refresh(&system, text(&first, "refresh_token")))).await;
    let mut codes: Vec<String> = replies
        .into_iter()
        .map(|reply| {
            assert_eq!(reply.status, 401);
            text(&reply.body, "code").to_owned()
        })
        .collect();
    codes.sort_unstable_by(|one, other| other.cmp(one));
    assert_eq!((codes.remove(0).as_str(), codes.len()), ("refresh_reused", 19));
    assert!(codes.iter().all(|code| code == "refresh_invalid"), "{codes:?}");
    assert_eq!(told(&system).await, 1);
    assert!(!is_signed_in(&with(&anna, &second)).await);
}

#[tokio::test]
async fn what_the_user_or_an_administrator_ends_is_no_theft() {
    let system = system().await;
    let (admin, anna) = (system.admin().await, system.user("anna").await);
    for all in ["", "?all=true"] {
        let out = with(&anna, &sign_in(&system, "anna").await);
        assert_eq!(out.post(&format!("/api/v1/auth/logout{all}"), Value::Null).await.status, 204);
    }
    let (here, there) = (sign_in(&system, "anna").await, sign_in(&system, "anna").await);
    let sessions = with(&anna, &here).get("/api/v1/users/me/sessions").await.expect(200);
    let other = sessions["items"].as_array().unwrap().iter().find(|session| session["current"] == false).unwrap();
    let path = format!("/api/v1/users/me/sessions/{}", text(other, "id"));
    assert_eq!(with(&anna, &here).delete(&path).await.status, 204);
    let _ = admin.patch(&format!("/api/v1/users/{}", anna.id()), json!({"is_active": false})).await.expect(200);
    for ended in [&here, &there] {
        refresh(&system, text(ended, "refresh_token")).await.expect_problem(401, "refresh_invalid");
    }
    assert_eq!(told(&system).await, 0);
}

#[tokio::test]
async fn the_grace_is_for_the_token_used_last_alone() {
    let system = system().await;
    system.user("anna").await;
    let first = sign_in(&system, "anna").await;
    let second = refreshed(&system, &first).await;
    let third = refreshed(&system, &second).await;
    refresh(&system, text(&first, "refresh_token")).await.expect_problem(401, "refresh_reused");
    refresh(&system, text(&third, "refresh_token")).await.expect_problem(401, "refresh_invalid");
    assert_eq!(told(&system).await, 1);
}

#[tokio::test]
async fn of_many_at_once_one_successor_comes() {
    let system = system().await;
    system.user("anna").await;
    let first = sign_in(&system, "anna").await;
    let replies = join_all((0..20).map(|_| refresh(&system, text(&first, "refresh_token")))).await;
    let successors: HashSet<String> =
        replies.into_iter().map(|reply| text(&reply.expect(200), "refresh_token").to_owned()).collect();
    assert_eq!(successors.len(), 1, "no forks");
    let unused = "SELECT count(*) FROM refresh_token WHERE consumed_at IS NULL AND parent_id IS NOT NULL";
    assert_eq!(system.count("user", unused).await, 1);
}

/// Whoever changes a password, and others, lock them in this order: two who do not would wait for each other.
#[tokio::test]
async fn while_it_waits_for_the_user_it_has_not_locked_the_session() {
    let system = system().await;
    system.user("anna").await;
    let first = sign_in(&system, "anna").await;
    if !system.on_postgres() {
        return;
    }
    let locking = "DO $$ BEGIN
        PERFORM 1 FROM users WHERE username = 'anna' FOR UPDATE;
        LOOP
          EXIT WHEN EXISTS
            (SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)));
        END LOOP;
        PERFORM 1 FROM session FOR UPDATE NOWAIT;
      END $$";
    let locked = "SELECT 1 FROM pg_locks WHERE relation = 'users'::regclass AND mode = 'RowShareLock' AND granted";
    let refreshing = async {
        eventually("a lock of the user", Duration::from_secs(20), async || system.column("user", locked).await.pop())
            .await;
        refreshed(&system, &first).await
    };
    tokio::join!(system.execute("user", locking), refreshing);
}

#[tokio::test]
async fn an_idle_session_ends_after_two_weeks_and_any_after_ninety_days() {
    let system = system().await;
    system.user("anna").await;
    let mut tokens = sign_in(&system, "anna").await;
    let idle = sign_in(&system, "anna").await;
    let mut left = Vec::new();
    for _ in 0..6 {
        system.advance(TimeDelta::days(14) - TimeDelta::seconds(1));
        tokens = refreshed(&system, &tokens).await;
        left.push(tokens["refresh_expires_in"].as_i64().unwrap());
    }
    refresh(&system, text(&idle, "refresh_token")).await.expect_problem(401, "refresh_invalid");
    let days: Vec<_> = left.iter().map(|seconds| seconds / (24 * 3600)).collect();
    assert_eq!(days, [14, 14, 14, 14, 14, 6], "sliding stops at the absolute end: {left:?}");
    system.advance(TimeDelta::days(6) + TimeDelta::seconds(6));
    refresh(&system, text(&tokens, "refresh_token")).await.expect_problem(401, "refresh_invalid");
}

#[tokio::test]
async fn what_was_never_made_is_invalid() {
    let system = system().await;
    let access = sign_in(&system, "admin").await;
    for token in ["", "rt_", "x", text(&access, "access_token"), &format!("rt_{}", "A".repeat(43))] {
        refresh(&system, token).await.expect_problem(401, "refresh_invalid");
    }
}

#[tokio::test]
async fn a_disabled_account_cannot_refresh_and_a_new_role_comes_with_the_next_token() {
    let system = system().await;
    let admin = system.admin().await;
    let anna = system.user("anna").await;
    let path = format!("/api/v1/users/{}", anna.id());
    let tokens = sign_in(&system, "anna").await;

    let _ = admin.patch(&path, json!({"role": "admin"})).await.expect(200);
    assert!(!is_signed_in(&with(&anna, &tokens)).await, "the old role is refused at once");
    let promoted = refreshed(&system, &tokens).await;
    let _ = with(&anna, &promoted).get("/api/v1/users").await.expect(200);

    let _ = admin.patch(&path, json!({"is_active": false})).await.expect(200);
    assert!(!is_signed_in(&with(&anna, &promoted)).await);
    refresh(&system, text(&promoted, "refresh_token")).await.expect_problem(401, "refresh_invalid");
    let _ = admin.patch(&path, json!({"is_active": true})).await.expect(200);
    refresh(&system, text(&promoted, "refresh_token")).await.expect_problem(401, "refresh_invalid");
    assert!(!is_signed_in(&with(&anna, &promoted)).await, "an old token does not come back to life");
}
