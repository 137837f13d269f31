//! Keys and revocations of another process.

use crate::{SOON, own_address, ready, serving, tasks, url};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use testkit::{Client, System, eventually};

/// The same person, speaking to another process.
fn at(system: &System, client: &Client) -> Client {
    system.anonymous().with_token(client.token().unwrap())
}

async fn is_refused(client: &Client) {
    let refused = async || (client.get("/api/v1/tasks").await.status == 401).then_some(());
    // 2 s are promised; what a busy machine adds is not ours.
    eventually("refused", Duration::from_secs(4), refused).await;
    client.get("/api/v1/tasks").await.expect_problem(401, "invalid_token");
}

#[tokio::test]
async fn a_token_is_good_elsewhere_until_it_is_revoked() {
    let users = serving(&["user"], |_| {}).await;
    let tasks = tasks(&url(&users)).await;
    ready(&tasks).await;
    let (anna, ben) = (users.user("anna").await, users.user("ben").await);
    for person in [&anna, &ben] {
        at(&tasks, person).get("/api/v1/tasks").await.expect(200);
    }
    anna.post("/api/v1/auth/logout", Value::Null).await.expect(204);
    is_refused(&at(&tasks, &anna)).await;
    at(&tasks, &ben).get("/api/v1/tasks").await.expect(200);
    let admin = users.admin().await;
    admin.patch(&format!("/api/v1/users/{}", ben.id()), json!({"is_active": false})).await.expect(200);
    is_refused(&at(&tasks, &ben)).await;
}

#[tokio::test]
async fn nothing_is_served_before_the_keys_are_there_and_then_all_is() {
    let (host, port) = own_address("127.0.0.11");
    let tasks = tasks(&format!("http://{host}:{port}")).await;
    let nobody = tasks.anonymous();
    let not_ready = nobody.get("/health/ready").await;
    assert_eq!((not_ready.status, &not_ready.body["reason"]), (503, &json!("the token keys are not loaded")));
    nobody.with_token("a.b.c").get("/api/v1/tasks").await.expect_problem(503, "unavailable");
    assert_eq!(nobody.get("/health/live").await.status, 200);
    assert_eq!(nobody.get("/health").await.body["status"], "degraded");

    let users = serving(&["user"], |config| (config.host, config.port) = (host, port)).await;
    let anna = users.user("anna").await;
    ready(&tasks).await;
    at(&tasks, &anna).get("/api/v1/tasks").await.expect(200);
}

#[tokio::test]
async fn what_is_known_serves_on_while_the_source_is_away_and_is_caught_up_with_after() {
    let (host, port) = own_address("127.0.0.12");
    let mut users = serving(&["user"], |config| (config.host, config.port) = (host, port)).await;
    let tasks = tasks(&url(&users)).await;
    ready(&tasks).await;
    let anna = users.user("anna").await;
    let elsewhere = at(&tasks, &anna);
    elsewhere.get("/api/v1/tasks").await.expect(200);
    users.stop().await;
    elsewhere.get("/api/v1/tasks").await.expect(200);
    assert_eq!(tasks.anonymous().get("/health/ready").await.status, 200);

    users.restart().await;
    anna.post("/api/v1/auth/logout", Value::Null).await.expect(204);
    is_refused(&elsewhere).await;
}

#[tokio::test]
async fn another_token_than_theirs_never_gets_the_keys() {
    let users = serving(&["user"], |_| {}).await;
    let tasks = serving(&["task"], |config| {
        config.user_urls = vec![url(&users)];
        config.internal_token = Some("another token than that of the others".into());
    })
    .await;
    let nobody = tasks.anonymous();
    let asked =
        async || (nobody.get("/health?verbose=true").await.body["checks"]["keys"]["loaded"] == false).then_some(());
    eventually("asked", SOON, asked).await;
    assert_eq!(nobody.get("/health/ready").await.status, 503);
}

#[tokio::test]
async fn a_second_address_is_asked_when_the_first_one_is_away() {
    let (host, port) = own_address("127.0.0.13");
    let users = serving(&["user"], |_| {}).await;
    let tasks =
        serving(&["task"], |config| config.user_urls = vec![format!("http://{host}:{port}"), url(&users)]).await;
    ready(&tasks).await;
    let anna = users.user("anna").await;
    at(&tasks, &anna).get("/api/v1/tasks").await.expect(200);
}

#[tokio::test]
async fn a_forged_identity_is_nobody() {
    let users = serving(&["user"], |_| {}).await;
    let tasks = tasks(&url(&users)).await;
    ready(&tasks).await;
    let anna = users.user("anna").await;
    let forged = tasks.anonymous().with("X-User-Id", &anna.id().to_string()).with("X-User-Role", "admin");
    forged.get("/api/v1/tasks").await.expect_problem(401, "unauthorized");
}

#[tokio::test]
async fn a_key_that_an_operator_throws_away_is_worth_nothing_in_another_process_within_two_seconds() {
    let users = serving(&["user"], |_| {}).await;
    let tasks = tasks(&url(&users)).await;
    ready(&tasks).await;
    let anna = users.user("anna").await;
    at(&tasks, &anna).get("/api/v1/tasks").await.expect(200);
    let mut rotate = testkit::shipped(env!("CARGO_BIN_EXE_cleave"), users.directory());
    rotate.args(["keys", "rotate", "--now", "--data-dir"]).arg(users.directory());
    let rotated = tokio::task::spawn_blocking(move || rotate.output().unwrap()).await.unwrap();
    assert!(rotated.status.success(), "{}", String::from_utf8_lossy(&rotated.stderr));
    let at_once = Instant::now();
    is_refused(&at(&tasks, &anna)).await;
    println!("refused {:?} after the change", at_once.elapsed());
    let again = users.sign_in("anna", anna.id()).await;
    let elsewhere = at(&tasks, &again);
    eventually("the new key is known", SOON, async || {
        (elsewhere.get("/api/v1/tasks").await.status == 200).then_some(())
    })
    .await;
}
