//! A client cannot tell who serves it. Rule: the same request to the process that serves a domain and to one that hands
//! it on: the same status, the same headers but those that name the request, the same body.

use crate::{gateway, ready, serving};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Client, Reply};

const JSON: &str = "application/json";

/// What differs between any two requests, and what is about a connection and not about an answer.
const OF_THE_REQUEST: [&str; 5] = ["x-request-id", "traceparent", "server-timing", "date", "connection"];

fn comparable(reply: &Reply) -> (u16, Vec<(String, String)>, String) {
    let mut headers: Vec<_> = reply
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned()))
        .filter(|(name, _)| !OF_THE_REQUEST.contains(&name.as_str()))
        .collect();
    headers.sort();
    let id = reply.body.get("request_id").and_then(Value::as_str).unwrap_or("no id");
    (reply.status, headers, reply.text.replace(id, "ID"))
}

/// Asks both; what they answered, which is the same.
async fn same(
    (here, there): (&Client, &Client),
    method: Method,
    path: &str,
    body: Option<(&str, &[u8])>,
) -> (u16, String) {
    let body = body.map(|(kind, bytes)| (kind, bytes.to_vec()));
    let direct = here.send(method.clone(), path, body.clone()).await;
    let handed_on = there.send(method.clone(), path, body).await;
    assert_eq!(comparable(&direct), comparable(&handed_on), "{method} {path}");
    (direct.status, direct.text)
}

#[tokio::test]
async fn every_kind_of_answer_is_the_same() {
    let all = serving(&[], |_| {}).await;
    let gateway = gateway(&all).await;
    let anna = all.user("anna").await;
    let task = anna.post("/api/v1/tasks", json!({"title": "One"})).await.expect(201);
    let one = format!("/api/v1/tasks/{}", task["id"].as_str().unwrap());
    let there = gateway.anonymous().with_token(anna.token().unwrap());
    let (nobody, nobody_there) = (all.anonymous(), gateway.anonymous());
    let both = (&anna, &there);
    let mut statuses = Vec::new();
    for (method, path, body) in [
        (Method::GET, "/api/v1/tasks", None),
        (Method::HEAD, "/api/v1/tasks", None),
        (Method::GET, one.as_str(), None),
        (Method::GET, "/api/v1/users/me", None),
        (Method::GET, "/.well-known/jwks.json", None),
        (Method::GET, "/api/v1/notifications?limit=1", None),
        (Method::GET, "/api/v1/tasks/", None),
        (Method::GET, "/api/v1//tasks", None),
        (Method::GET, "/api/v1/tasks/none", None),
        (Method::GET, "/api/v1/tasks?nonsense=1", None),
        (Method::GET, "/api/v1/users", None),
        (Method::OPTIONS, one.as_str(), None),
        (Method::TRACE, one.as_str(), None),
        (Method::DELETE, "/api/v1/tasks", None),
        (Method::POST, "/api/v1/tasks", Some((JSON, b"{\"title\":\"\"}".as_slice()))),
        (Method::POST, "/api/v1/tasks", Some((JSON, b"{".as_slice()))),
        (Method::POST, "/api/v1/tasks", Some((JSON, b"".as_slice()))),
        (Method::POST, "/api/v1/tasks", Some(("text/plain", b"{}".as_slice()))),
        (Method::POST, "/api/v1/tasks", Some((JSON, b"{\"title\":\"x\",\"owner_id\":1}".as_slice()))),
        (Method::POST, "/api/v1/auth/login", Some((JSON, b"{\"login\":\"x\",\"password\":\"y\"}".as_slice()))),
        (Method::PUT, one.as_str(), Some((JSON, b"{\"title\":\"Two\"}".as_slice()))),
        (Method::GET, "/api/v1/gateway", None),
        (Method::GET, "/nowhere", None),
    ] {
        if method != Method::PUT {
            statuses.push(same(both, method.clone(), path, body).await.0);
        }
        if path != "/.well-known/jwks.json" {
            statuses.push(same((&nobody, &nobody_there), method, path, body).await.0);
        }
    }
    for expected in [200, 400, 401, 403, 404, 405, 415, 422] {
        assert!(statuses.contains(&expected), "{expected} was not among {statuses:?}");
    }
    let stale = (&anna.with("If-Match", "\"v9\""), &there.with("If-Match", "\"v9\""));
    assert_eq!(same(stale, Method::PATCH, &one, Some((JSON, b"{\"title\":\"x\"}"))).await.0, 412);
    let known = (&anna.with("If-None-Match", "\"v1\""), &there.with("If-None-Match", "\"v1\""));
    assert_eq!(same(known, Method::GET, &one, None).await.0, 304);
    let (mine, mine_there) = (anna.with("x-request-id", "mine"), there.with("x-request-id", "mine"));
    assert_eq!(mine_there.get(&one).await.header("x-request-id"), mine.get(&one).await.header("x-request-id"));
}

#[tokio::test]
async fn a_write_through_the_gateway_is_replayed_and_seen_like_any_other() {
    let all = serving(&[], |_| {}).await;
    let gateway = gateway(&all).await;
    let anna = all.user("anna").await;
    let there = gateway.anonymous().with_token(anna.token().unwrap());
    let create = |client: &Client| {
        let client = client.with("Idempotency-Key", "k1");
        async move { client.post("/api/v1/tasks", json!({"title": "One"})).await }
    };
    let first = create(&there).await;
    let again = create(&anna).await;
    assert_eq!((first.status, &first.body), (201, &again.body));
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(first.header("location"), format!("/api/v1/tasks/{}", first.body["id"].as_str().unwrap()));
    there.post(&format!("{}/complete", first.header("location")), Value::Null).await.expect(200);
    there.delete(first.header("location")).await.expect(204);
    anna.get(first.header("location")).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn administrators_see_who_serves_what() {
    let all = serving(&[], |_| {}).await;
    let gateway = gateway(&all).await;
    let keys = async || gateway.anonymous().get("/health?verbose=true").await.body["checks"]["keys"]["loaded"].clone();
    testkit::eventually("keys", crate::SOON, async || (keys().await == true).then_some(())).await;
    ready(&gateway).await;
    let (admin, anna) = (all.admin().await, all.user("anna").await);
    let there = |client: &Client| gateway.anonymous().with_token(client.token().unwrap());
    there(&anna).get("/api/v1/gateway/services").await.expect_problem(403, "insufficient_scope");
    gateway.anonymous().get("/api/v1/gateway/routes").await.expect_problem(401, "unauthorized");
    let services = there(&admin).get("/api/v1/gateway/services").await.expect(200);
    let target = json!([{"url": crate::url(&all), "reachable": true, "breaker": "closed"}]);
    assert_eq!(services["items"][1], json!({"name": "task", "place": "remote", "targets": target}));
    assert_eq!((services["items"].as_array().unwrap().len(), &services["next_cursor"]), (3, &Value::Null));
    let routes = there(&admin).get("/api/v1/gateway/routes").await.expect(200);
    let expected = json!({"prefix": "/api/v1/tasks", "service": "task", "place": "remote"});
    assert!(routes["items"].as_array().unwrap().contains(&expected), "{routes}");
    let mounted = admin.get("/api/v1/gateway/services").await.expect(200);
    assert_eq!(mounted["items"][0], json!({"name": "user", "place": "mounted", "targets": []}));
    there(&admin).get("/api/v1/gateway/routes?x=1").await.expect_problem(400, "unknown_parameter");
}
