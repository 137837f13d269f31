//! What processes show one another, and nobody else.

use crate::{TOKEN, gateway, serving};
use reqwest::Method;
use serde_json::Value;
use std::time::{Duration, Instant};

const PATH: &str = "/internal/revocations?after=0";

#[tokio::test]
async fn without_the_token_there_is_nothing() {
    let users = serving(&["user"], |_| {}).await;
    let anna = users.user("anna").await;
    let nobody = users.anonymous();
    let somewhere = nobody.get("/internal/anything").await;
    for (client, path) in [
        (nobody.clone(), PATH),
        (anna.clone(), PATH),
        (nobody.with_token("0123456789abcdef0123456789abcdeF"), PATH),
        (nobody.with_token(&TOKEN[1..]), PATH),
        (nobody.with("authorization", &format!("Basic {TOKEN}")), PATH),
        (nobody.with_token(TOKEN).with("authorization", &format!("Bearer {TOKEN}")), PATH),
        (nobody.clone(), "/internal/revocations?nonsense=1"),
        (nobody.clone(), "/internal/"),
    ] {
        let reply = client.get(path).await;
        assert_eq!(reply.body["title"], somewhere.body["title"]);
        assert_eq!(reply.header("allow"), "");
        reply.expect_problem(404, "not_found");
    }
    for method in [Method::POST, Method::DELETE, Method::OPTIONS] {
        nobody.send(method, PATH, None).await.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn without_a_token_of_its_own_a_process_shows_nothing() {
    let users = serving(&["user"], |config| config.internal_token = None).await;
    users.anonymous().with_token(TOKEN).get(PATH).await.expect_problem(404, "not_found");
    users.anonymous().with_token("").get(PATH).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_gateway_never_hands_it_on() {
    let all = serving(&[], |_| {}).await;
    let gateway = gateway(&all).await;
    let other = gateway.anonymous().with_token(TOKEN);
    other.get(PATH).await.expect_problem(404, "not_found");
    assert_eq!(all.anonymous().with_token(TOKEN).get(PATH).await.status, 200);
}

#[tokio::test]
async fn who_knows_everything_is_answered_when_something_changes() {
    let users = serving(&["user"], |_| {}).await;
    let anna = users.user("anna").await;
    let service = users.anonymous().with_token(TOKEN);
    let first = service.get(PATH).await;
    assert_eq!((first.status, &first.body["revocations"]), (200, &Value::Array(Vec::new())));
    assert!(!first.text.contains("anna"));
    let knowing = service.with("if-none-match", first.header("etag"));
    let begun = Instant::now();
    let (news, ()) = tokio::join!(knowing.get(PATH), async {
        anna.post("/api/v1/auth/logout", Value::Null).await.expect(204);
    });
    assert!(begun.elapsed() < Duration::from_secs(4), "told, and not found at the end of the hold");
    let entry = &news.body["revocations"][0];
    assert_eq!((news.status, &news.body["last_n"], &entry["n"]), (200, &1.into(), &1.into()));
    assert!(entry["session_id"].is_string() && entry["user_id"].is_null(), "{entry}");
    let knowing = service.with("if-none-match", news.header("etag"));
    let begun = Instant::now();
    assert_eq!(knowing.get(PATH).await.status, 304);
    assert!(begun.elapsed() >= Duration::from_secs(4), "{:?}", begun.elapsed());
}
