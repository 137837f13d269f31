//! A client cannot tell mounted from remote. Rule: the same requests to one process and to a gateway before three, and
//! every answer the same: its status, its headers but those that name the request, and its body.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Client, Reply, System, Topology};
use tests::walk::alike;

/// What differs between any two requests, and what is about a connection and not about an answer.
const OF_THE_REQUEST: [&str; 5] = ["x-request-id", "traceparent", "server-timing", "date", "connection"];

/// Asks, and keeps what was answered.
#[derive(Default)]
struct Script(Vec<String>);

impl Script {
    async fn ask(&mut self, client: &Client, method: Method, path: &str, body: Value) -> Reply {
        let bytes = (!body.is_null()).then(|| ("application/json", body.to_string().into_bytes()));
        let reply = client.send(method.clone(), path, bytes).await;
        self.keep(&format!("{method} {}", alike(path)), &reply);
        reply
    }

    fn keep(&mut self, request: &str, reply: &Reply) {
        let mut headers: Vec<String> =
            reply.headers.iter().filter_map(|(name, value)| header(name.as_str(), value)).collect();
        headers.sort();
        let body = if reply.body.is_null() { reply.text.clone() } else { comparable(&reply.body).to_string() };
        self.0.push(format!("{request}\n{}\n{}\n{}", reply.status, headers.join("\n"), alike(&body)));
    }
}

fn header(name: &str, value: &reqwest::header::HeaderValue) -> Option<String> {
    let value = value.to_str().unwrap();
    match name {
        _ if OF_THE_REQUEST.contains(&name) => None,
        // An instant is as long as its digits, and a token as its instants.
        "content-length" => Some(format!("{name}: {}", if value == "0" { "0" } else { "some" })),
        "etag" if !value.starts_with("\"v") => Some(format!("{name}: <hash>")),
        _ => Some(format!("{name}: {}", alike(value))),
    }
}

/// The body without what is each answer's own.
fn comparable(body: &Value) -> Value {
    let own = |key: &str| matches!(key, "request_id" | "next_cursor" | "x" | "y" | "kid");
    match body {
        Value::Object(members) => {
            let member = |(key, value): (&String, &Value)| match value {
                Value::String(_) if own(key) => (key.clone(), json!("<own>")),
                value => (key.clone(), comparable(value)),
            };
            Value::Object(members.iter().map(member).collect())
        }
        Value::Array(items) => items.iter().map(comparable).collect(),
        value => value.clone(),
    }
}

/// A day of two people, with everything that can be refused.
async fn day(topology: Topology) -> Vec<String> {
    let system = System::start(app::serve, topology).await;
    let mut script = Script::default();
    let nobody = system.anonymous();
    for path in
        ["/", "/health", "/health/live", "/health/ready", "/.well-known/jwks.json", "/nowhere", "/internal/revocations"]
    {
        script.ask(&nobody, Method::GET, path, Value::Null).await;
    }
    let anna = json!({"username": "zoe", "email": "zoe@example.org", "password": system.password()});
    script.ask(&nobody, Method::POST, "/api/v1/auth/register", anna.clone()).await;
    script.ask(&nobody, Method::POST, "/api/v1/auth/register", anna).await;
    script.ask(&nobody, Method::POST, "/api/v1/auth/login", json!({"login": "zoe", "password": "wrong"})).await;
    let login = json!({"login": "zoe", "password": system.password()});
    let tokens = script.ask(&nobody, Method::POST, "/api/v1/auth/login", login).await.expect(200);
    let refresh = json!({"refresh_token": tokens["refresh_token"]});
    let (zoe, ben) = (nobody.with_token(tokens["access_token"].as_str().unwrap()), system.user("ben").await);
    system.settle().await;

    users(&mut script, &zoe, &ben).await;
    let path = tasks(&mut script, &zoe, &ben).await;
    system.settle().await;
    inboxes(&mut script, &zoe, &ben).await;
    script.ask(&nobody, Method::GET, &path, Value::Null).await;
    script.ask(&nobody.with_token("nonsense"), Method::GET, &path, Value::Null).await;
    script.ask(&nobody, Method::POST, "/api/v1/auth/refresh", refresh.clone()).await;
    script.ask(&nobody, Method::POST, "/api/v1/auth/refresh", refresh).await;
    script.0
}

async fn users(script: &mut Script, zoe: &Client, ben: &Client) {
    script.ask(zoe, Method::GET, "/api/v1/users/me", Value::Null).await;
    script.ask(zoe, Method::PATCH, "/api/v1/users/me", json!({"display_name": "Zoe"})).await;
    script.ask(zoe, Method::GET, "/api/v1/users", Value::Null).await;
    script.ask(zoe, Method::GET, &format!("/api/v1/users/{}", ben.id()), Value::Null).await;
    script.ask(zoe, Method::GET, "/api/v1/gateway/services", Value::Null).await;
}

async fn tasks(script: &mut Script, zoe: &Client, ben: &Client) -> String {
    let body = json!({"title": "One", "assignee_id": ben.id(), "labels": ["a"]});
    let keyed = zoe.with("Idempotency-Key", "one");
    let made = script.ask(&keyed, Method::POST, "/api/v1/tasks", body.clone()).await;
    script.ask(&keyed, Method::POST, "/api/v1/tasks", body).await;
    script.ask(&keyed, Method::POST, "/api/v1/tasks", json!({"title": "Two"})).await;
    let path = format!("/api/v1/tasks/{}", made.expect(201)["id"].as_str().unwrap());
    for (method, path, body) in [
        (Method::POST, "/api/v1/tasks", json!({"title": "Two"})),
        (Method::POST, "/api/v1/tasks", json!({"title": ""})),
        (Method::POST, "/api/v1/tasks", json!({"title": "t", "nonsense": 1})),
        (Method::POST, "/api/v1/tasks", json!({"title": "t", "description": "x".repeat(300 * 1024)})),
        (Method::GET, "/api/v1/tasks?limit=1", Value::Null),
        (Method::GET, "/api/v1/tasks?nonsense=1", Value::Null),
        (Method::GET, "/api/v1/tasks?cursor=nonsense", Value::Null),
        (Method::GET, "/api/v1/tasks/", Value::Null),
        (Method::GET, "/api/v1//tasks", Value::Null),
        (Method::GET, "/api/v1/tasks/none", Value::Null),
        (Method::HEAD, "/api/v1/tasks", Value::Null),
        (Method::DELETE, "/api/v1/tasks", Value::Null),
        (Method::GET, &path, Value::Null),
        (Method::HEAD, &path, Value::Null),
        (Method::OPTIONS, &path, Value::Null),
        (Method::PATCH, &path, json!({"title": "Three"})),
        (Method::PUT, &path, json!({"title": "Four", "assignee_id": ben.id()})),
        (Method::POST, &format!("{path}/complete"), Value::Null),
        (Method::POST, &format!("{path}/complete"), Value::Null),
        (Method::POST, &format!("{path}/reopen"), Value::Null),
    ] {
        script.ask(zoe, method, path, body).await;
    }
    script.ask(ben, Method::POST, &format!("{path}/complete"), Value::Null).await;
    script.ask(&zoe.with("If-Match", "\"v1\""), Method::PATCH, &path, json!({"title": "Late"})).await;
    script.ask(&zoe.with("If-None-Match", "\"v6\""), Method::GET, &path, Value::Null).await;
    let merge = zoe.send(Method::PATCH, &path, Some(("text/plain", b"{}".to_vec()))).await;
    script.keep("a body of no known kind", &merge);
    let cut = zoe.send(Method::POST, "/api/v1/tasks", Some(("application/json", b"{\"title".to_vec()))).await;
    script.keep("a body that ends too soon", &cut);
    path
}

async fn inboxes(script: &mut Script, zoe: &Client, ben: &Client) {
    let inbox = script.ask(zoe, Method::GET, "/api/v1/notifications", Value::Null).await.expect(200);
    script.ask(ben, Method::GET, "/api/v1/notifications?limit=1", Value::Null).await;
    let one = format!("/api/v1/notifications/{}", inbox["items"][0]["id"].as_str().unwrap());
    script.ask(zoe, Method::GET, &one, Value::Null).await;
    script.ask(ben, Method::GET, &one, Value::Null).await;
    script.ask(zoe, Method::PATCH, &one, json!({"read": true})).await;
    script.ask(zoe, Method::POST, "/api/v1/notifications/mark", json!({"read": true})).await;
    script.ask(zoe, Method::DELETE, &one, Value::Null).await;
    script.ask(zoe, Method::GET, &one, Value::Null).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_of_a_day_is_the_same_from_one_process_and_from_several() {
    if !Topology::SPLIT.can_run() {
        return;
    }
    let (mounted, remote) = (day(Topology::EMBEDDED).await, day(Topology::SPLIT).await);
    for (mounted, remote) in mounted.iter().zip(&remote) {
        assert_eq!(mounted, remote);
    }
    assert_eq!(mounted.len(), remote.len());
    for status in [200, 201, 204, 304, 400, 401, 403, 404, 405, 409, 412, 413, 415, 422] {
        let line = format!("\n{status}\n");
        assert!(mounted.iter().any(|answer| answer.contains(&line)), "{status} was not among the answers");
    }
}
