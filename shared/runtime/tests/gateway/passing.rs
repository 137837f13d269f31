//! What passes, passes as it is.

use crate::stub::{Act, Stub, answer};
use crate::support::{NOTES, client, gateway, gateway_with};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_request_and_its_answer_pass_as_they_are() {
    let stub = Stub::start(|_| {
        let headers = "location: /api/v1/notes/7\r\netag: \"v1\"\r\nx-thing: 1\r\nx-thing: 2\r\n\
                       content-type: application/json\r\nserver-timing: db;dur=1\r\n";
        answer("201 Created", headers, r#"{"id":7}"#)
    });
    let gateway = gateway(&[stub.url()]).await;
    let request = client()
        .post(gateway.url("/api/v1/notes/a%2Fb//c/?limit=5&q=%20x&q=+"))
        .bearer_auth("a-token")
        .header("if-match", "\"v7\"")
        .header("x-request-id", "mine-1")
        .json(&json!({"title": "x"}));
    let reply = gateway.send(request).await;
    assert_eq!((reply.status, &reply.body), (201, &json!({"id": 7})));
    assert_eq!((reply.header("location"), reply.header("etag")), ("/api/v1/notes/7", "\"v1\""));
    assert_eq!(reply.headers.get_all("x-thing").iter().count(), 2);
    assert_eq!((reply.header("x-request-id"), reply.header("content-length")), ("mine-1", "8"));
    assert_eq!(reply.header("referrer-policy"), "no-referrer");
    assert_eq!(reply.headers.get_all("date").iter().count(), 1);
    let seen = &stub.seen()[0];
    assert_eq!(seen.line(), "POST /api/v1/notes/a%2Fb//c/?limit=5&q=%20x&q=+");
    assert_eq!(seen.body, br#"{"title":"x"}"#);
    for (name, value) in [
        ("authorization", "Bearer a-token"),
        ("if-match", "\"v7\""),
        ("x-request-id", "mine-1"),
        ("content-type", "application/json"),
        ("content-length", "13"),
    ] {
        assert_eq!(seen.header(name), value, "{name}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn every_method_passes_and_head_has_no_body() {
    let stub = Stub::start(|seen| match seen.line().split(' ').next().unwrap() {
        "HEAD" => {
            Act::Answer("HTTP/1.1 200 OK\r\ncontent-length: 1234\r\ncontent-type: application/json\r\n\r\n".to_owned())
        }
        "DELETE" => Act::Answer("HTTP/1.1 204 No Content\r\n\r\n".to_owned()),
        method => answer("200 OK", "", method),
    });
    let gateway = gateway(&[stub.url()]).await;
    for method in ["GET", "POST", "PUT", "PATCH", "OPTIONS", "TRACE", "FOO"] {
        let request = client().request(method.parse().unwrap(), gateway.url(NOTES));
        assert_eq!(gateway.send(request).await.body, method);
    }
    let head = gateway.send(client().head(gateway.url(NOTES))).await;
    assert_eq!((head.status, head.header("content-length"), &head.body), (200, "1234", &json!("")));
    let deleted = gateway.send(client().delete(gateway.url(NOTES))).await;
    assert_eq!((deleted.status, deleted.header("content-length")), (204, ""));
    gateway.stop().await;
}

#[tokio::test]
async fn a_status_that_refuses_or_leads_elsewhere_is_the_services_own() {
    let problem = r#"{"type":"/docs/errors#stale","status":412,"code":"stale","request_id":"theirs"}"#;
    let stub = Stub::start(move |seen| match seen.line() {
        "GET /api/v1/notes/moved" => answer("302 Found", "location: https://elsewhere.example/\r\n", ""),
        "GET /api/v1/notes/known" => Act::Answer("HTTP/1.1 304 Not Modified\r\netag: \"v1\"\r\n\r\n".to_owned()),
        "GET /api/v1/notes/stale" => {
            answer("412 Precondition Failed", "content-type: application/problem+json\r\n", problem)
        }
        "GET /api/v1/notes/limited" => {
            answer("503 Service Unavailable", "retry-after: 7\r\ncontent-type: application/problem+json\r\n", problem)
        }
        _ => answer("500 Internal Server Error", "content-type: text/html\r\n", "<h1>no</h1>"),
    });
    let gateway = gateway(&[stub.url()]).await;
    let moved = gateway.get("/api/v1/notes/moved").await;
    assert_eq!((moved.status, moved.header("location")), (302, "https://elsewhere.example/"));
    let known = gateway.get("/api/v1/notes/known").await;
    assert_eq!((known.status, known.header("etag")), (304, "\"v1\""));
    let stale = gateway.get("/api/v1/notes/stale").await;
    assert_eq!((stale.status, stale.body["request_id"].as_str()), (412, Some("theirs")));
    let limited = gateway.get("/api/v1/notes/limited").await;
    assert_eq!((limited.status, limited.header("retry-after")), (503, "7"));
    // What is no problem document becomes one: a client never sees another kind of error.
    gateway.get("/api/v1/notes/broken").await.is_problem(500, "internal");
    gateway.stop().await;
}

#[tokio::test]
async fn only_the_prefixes_of_the_domain_are_handed_on() {
    let stub = Stub::start(|_| answer("200 OK", "", "reached"));
    let gateway = gateway(&[stub.url()]).await;
    for path in [
        "/internal/revocations?after=0",
        "/api/v1/notesandmore",
        "/api/v1/other",
        "/api/v1/notes/../../../internal/revocations",
        "/api/v1/notes/%2e%2e/%2E%2e/users",
        "/api/v1/notes/./x",
        "/api/v1/notes/..",
        "/api/v1/notes\\..\\users",
    ] {
        let answer = gateway.raw(&format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\n"), "{path}: {answer}");
        assert!(answer.contains(r#""code":"not_found""#), "{path}: {answer}");
    }
    gateway.get("/api/v1/lists").await.is_problem(404, "domain_absent");
    assert!(stub.seen().is_empty(), "{:?}", stub.seen());
    assert_eq!(gateway.get("/api/v1/notes/..%2f..%2finternal").await.body, "reached");
    assert_eq!(stub.seen()[0].line(), "GET /api/v1/notes/..%2f..%2finternal");
    gateway.stop().await;
}

#[tokio::test]
async fn the_process_shows_a_remote_domain_like_one_of_its_own() {
    let stub = Stub::start(|_| answer("200 OK", "", ""));
    let gateway = gateway(&[stub.url()]).await;
    assert_eq!(gateway.get("/").await.body["links"]["services"], json!({"notes": "/health/notes"}));
    let health = gateway.get("/health?verbose=true").await;
    assert_eq!((health.status, &health.body["status"]), (200, &json!("healthy")), "{}", health.body);
    assert_eq!(health.body["services"], json!({"notes": "healthy"}));
    assert_eq!(health.body["checks"]["notes"], json!({"asked": true}));
    assert_eq!(gateway.get("/health/notes").await.body["status"], "healthy");
    assert_eq!(gateway.get("/health/ready").await.status, 200, "a gateway is ready at once");
    let document = gateway.get("/openapi.json").await.body;
    let (name, path) = (json!(["notes"]), "/health/{service}");
    assert_eq!(document["paths"][path]["get"]["parameters"][0]["schema"]["enum"], name, "{document}");
    assert!(document["paths"][NOTES]["get"].is_object(), "what it hands on is described");
    assert!(
        gateway.server.screen().contains(&format!("notes  {}  elsewhere", stub.url())),
        "{}",
        gateway.server.screen()
    );
    gateway.get("/api/v1/gateway/services").await.is_problem(401, "unauthorized");
    gateway.get("/api/v1/gateway/routes").await.is_problem(401, "unauthorized");
    gateway.stop().await;
}

#[tokio::test]
async fn the_limit_and_the_permission_for_scripts_are_the_gateways_and_said_once() {
    let stub = Stub::start(|_| {
        let inner = "ratelimit: \"login\";r=3;t=6\r\nratelimit-policy: \"login\";q=10;w=60\r\n\
                     access-control-allow-origin: https://inner.example\r\n";
        answer("200 OK", inner, "well")
    });
    let gateway = gateway_with(&[("notes", &[stub.url()])], |config| {
        config.rate_limit = web::Quota::new(2, Duration::from_secs(3600));
        config.cors_origins = web::Origins::new(vec!["https://app.example".to_owned()]);
    })
    .await;
    let asked = || client().get(gateway.url(NOTES)).header("origin", "https://app.example");
    let reply = gateway.send(asked()).await;
    let all = |name: &str| -> Vec<String> {
        reply.headers.get_all(name).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(all("access-control-allow-origin"), ["https://app.example"]);
    assert_eq!(all("ratelimit"), ["\"login\";r=3;t=6", "\"default\";r=1;t=1800"]);
    assert_eq!(all("ratelimit-policy"), ["\"login\";q=10;w=60", "\"default\";q=2;w=3600"]);
    let question =
        client().request(reqwest::Method::OPTIONS, gateway.url(NOTES)).header("origin", "https://app.example");
    let reply = gateway.send(question.header("access-control-request-method", "PUT")).await;
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (204, "https://app.example"));
    gateway.send(asked()).await.is_problem(429, "rate_limited");
    let evil = client().get(gateway.url("/docs")).header("origin", "https://inner.example");
    assert_eq!(gateway.send(evil).await.header("access-control-allow-origin"), "");
    assert_eq!(stub.seen().len(), 1, "neither the question nor what was refused reached the service");
    assert_eq!(gateway.get("/health").await.status, 200);
    gateway.stop().await;
}
