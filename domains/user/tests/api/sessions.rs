//! `/api/v1/users/me/sessions`.

use crate::{is_signed_in, serve, sign_in, system, text, with};
use chrono::TimeDelta;
use serde_json::{Value, json};
use testkit::{Client, Reply, System, Topology};

const SESSIONS: &str = "/api/v1/users/me/sessions";

async fn listed(client: &Client) -> Vec<Value> {
    client.get(SESSIONS).await.expect(200)["items"].as_array().unwrap().clone()
}

/// The id of the session that asks.
async fn own_id(client: &Client) -> String {
    let current: Vec<Value> = listed(client).await.into_iter().filter(|session| session["current"] == true).collect();
    assert_eq!(current.len(), 1, "{current:?}");
    text(&current[0], "id").to_owned()
}

async fn refresh(system: &System, tokens: &Value) -> Reply {
    let body = json!({"refresh_token": tokens["refresh_token"]});
    system.anonymous().post("/api/v1/auth/refresh", body).await
}

#[tokio::test]
async fn the_list_has_the_own_sign_ins_and_says_which_one_asks() {
    let system = system().await;
    let anna = system.user("anna").await;
    system.user("bert").await;
    let body = json!({"login": "anna", "password": system.password()});
    let second = system.anonymous().with("user-agent", "Kettle/1.0").post("/api/v1/auth/login", body).await.expect(200);
    let sessions = listed(&with(&anna, &second)).await;
    assert_eq!(sessions.len(), 2, "hers alone: {sessions:?}");
    let newest = &sessions[0];
    assert_eq!((&newest["user_agent"], &newest["ip"]), (&json!("Kettle/1.0"), &json!("127.0.0.1")));
    assert_eq!((&newest["current"], &sessions[1]["current"]), (&json!(true), &json!(false)));
    assert_eq!(newest["created_at"], newest["last_used_at"]);
    let mut members: Vec<_> = newest.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(members, ["created_at", "current", "id", "ip", "last_used_at", "user_agent"], "and nothing secret");

    system.advance(TimeDelta::seconds(1));
    refresh(&system, &second).await.expect(200);
    let used = &listed(&anna).await[0];
    assert!(text(used, "last_used_at") > text(used, "created_at"), "{used}");
}

#[tokio::test]
async fn the_list_comes_in_pages_like_any_other() {
    let system = system().await;
    let anna = system.user("anna").await;
    for _ in 0..2 {
        sign_in(&system, "anna").await;
    }
    let all: Vec<Value> = listed(&anna).await.iter().map(|session| session["id"].clone()).collect();
    let (mut walked, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = anna.get(&format!("{SESSIONS}?limit=1{cursor}")).await.expect(200);
        assert_eq!(page["items"].as_array().unwrap().len(), 1);
        walked.push(page["items"][0]["id"].clone());
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!((walked, all.len()), (all, 3));
    anna.get(&format!("{SESSIONS}?limit=0")).await.expect_problem(400, "invalid_parameter");
    anna.get(&format!("{SESSIONS}?user_id=1")).await.expect_problem(400, "unknown_parameter");
    anna.get(&format!("{SESSIONS}?sort=ip")).await.expect_problem(400, "invalid_sort");
    anna.get(&format!("{SESSIONS}?cursor=nonsense")).await.expect_problem(400, "invalid_cursor");
    system.anonymous().get(SESSIONS).await.expect_problem(401, "unauthorized");
    anna.get(&format!("{SESSIONS}/{}", own_id(&anna).await)).await.expect_problem(405, "method_not_allowed");
}

#[tokio::test]
async fn a_session_that_is_ended_from_another_is_out_at_once() {
    let system = system().await;
    let anna = system.user("anna").await;
    let lost = sign_in(&system, "anna").await;
    let path = format!("{SESSIONS}/{}", own_id(&with(&anna, &lost)).await);
    let ended = anna.delete(&path).await;
    assert_eq!((ended.status, ended.text.as_str()), (204, ""));
    assert!(!is_signed_in(&with(&anna, &lost)).await);
    refresh(&system, &lost).await.expect_problem(401, "refresh_invalid");
    assert!(is_signed_in(&anna).await, "the one that asked goes on");
    assert_eq!(listed(&anna).await.len(), 1);
    anna.delete(&path).await.expect_problem(404, "not_found");
    let reasons = system.column("user", "SELECT revoke_reason FROM session WHERE revoked_at IS NOT NULL").await;
    assert_eq!(reasons, ["by_user"]);
}

#[tokio::test]
async fn a_foreign_session_looks_like_one_that_never_was() {
    let system = system().await;
    let (anna, bert) = (system.user("anna").await, system.user("bert").await);
    let admin = system.admin().await;
    let foreign = own_id(&anna).await;
    for client in [&bert, &admin] {
        let bare = async |id: &str| {
            let mut problem = client.delete(&format!("{SESSIONS}/{id}")).await.expect_problem(404, "not_found");
            problem.as_object_mut().unwrap().remove("request_id");
            problem.to_string().replace(id, "{id}")
        };
        assert_eq!(bare(&foreign).await, bare("01890a5d-ac96-774b-bcce-b302099a8057").await);
        bare("nonsense").await;
    }
    system.anonymous().delete(&format!("{SESSIONS}/{foreign}")).await.expect_problem(401, "unauthorized");
    assert!(is_signed_in(&anna).await, "nothing ended");
    assert_eq!(system.count("user", "SELECT count(*) FROM revocation").await, 0);
}

#[tokio::test]
async fn ending_the_session_that_asks_is_signing_out() {
    let system = system().await;
    let anna = system.user("anna").await;
    let tokens = sign_in(&system, "anna").await;
    let client = with(&anna, &tokens);
    assert_eq!(client.delete(&format!("{SESSIONS}/{}", own_id(&client).await)).await.status, 204);
    assert!(!is_signed_in(&client).await);
    refresh(&system, &tokens).await.expect_problem(401, "refresh_invalid");
    assert_eq!(client.post("/api/v1/auth/logout", Value::Null).await.status, 204, "signing out again is as good");
    let reasons = system.column("user", "SELECT revoke_reason FROM session WHERE revoked_at IS NOT NULL").await;
    assert_eq!(reasons, ["logout"]);
}

#[tokio::test]
async fn a_session_that_nobody_can_use_any_more_is_not_in_the_list() {
    let system = System::start(serve, Topology::asked()).await;
    let anna = system.user("anna").await;
    let idle = own_id(&anna).await;
    system.advance(TimeDelta::days(14) - TimeDelta::minutes(1));
    let now = with(&anna, &sign_in(&system, "anna").await);
    assert_eq!(listed(&now).await.len(), 2);
    system.advance(TimeDelta::minutes(2));
    assert_eq!(listed(&now).await.len(), 1);
    now.delete(&format!("{SESSIONS}/{idle}")).await.expect_problem(404, "not_found");
}
