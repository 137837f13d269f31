//! A service that does not do what it should.

use crate::stub::{Act, Stub, answer};
use crate::support::{NOTES, client, gateway, gateway_with, tuning, until};
use std::net::TcpListener;
use std::time::{Duration, Instant};

/// An address where nobody listens: taken, and given back.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.5:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test]
async fn nobody_there_is_503_at_once_and_the_others_go_on() {
    let stub = Stub::start(|_| answer("200 OK", "", "here"));
    let gateway = gateway_with(&[("notes", &[nobody()]), ("lists", &[stub.url()])], |_| {}).await;
    for method in [reqwest::Method::GET, reqwest::Method::POST, reqwest::Method::PATCH] {
        let begun = Instant::now();
        let reply = gateway.send(client().request(method, gateway.url(NOTES)).body("{}")).await;
        reply.is_problem(503, "unavailable");
        assert_eq!(reply.header("retry-after"), "1");
        assert!(begun.elapsed() < Duration::from_secs(1));
    }
    assert_eq!(gateway.get("/api/v1/lists").await.body, "here");
    until("degraded", async || gateway.get("/health").await.body["services"]["notes"] == "unhealthy").await;
    let health = gateway.get("/health").await;
    assert_eq!((health.status, &health.body["status"]), (200, &"degraded".into()), "{}", health.body);
    assert_eq!(health.body["services"], serde_json::json!({"notes": "unhealthy", "lists": "healthy"}));
    assert_eq!(gateway.get("/health/notes").await.status, 503);
    assert_eq!(gateway.get("/health/ready").await.status, 200);
    gateway.stop().await;
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_504() {
    let stub = Stub::start(|_| Act::Hang);
    let gateway = gateway_with(&[("notes", &[stub.url()])], |config| {
        config.seams.gateway.deadline = Duration::from_millis(200);
    })
    .await;
    for method in [reqwest::Method::GET, reqwest::Method::POST] {
        gateway.send(client().request(method, gateway.url(NOTES)).body("{}")).await.is_problem(504, "timeout");
    }
    assert_eq!(stub.seen().len(), 2, "late is not asked again");
    gateway.stop().await;
}

#[tokio::test]
async fn a_request_without_an_answer_is_repeated_once_where_that_does_no_harm() {
    let stub = Stub::start(|_| Act::Close);
    let gateway = gateway(&[stub.url()]).await;
    let cases = [
        ("GET", false, 2, "unavailable"),
        ("HEAD", false, 2, ""),
        ("PUT", false, 2, "outcome_unknown"),
        ("DELETE", false, 2, "outcome_unknown"),
        ("POST", false, 1, "outcome_unknown"),
        ("PATCH", false, 1, "outcome_unknown"),
        ("PATCH", true, 1, "outcome_unknown"),
        ("POST", true, 2, "outcome_unknown"),
    ];
    let mut before = 0;
    for (method, key, times, code) in cases {
        let mut request = client().request(method.parse().unwrap(), gateway.url(NOTES)).body("a body");
        if key {
            request = request.header("idempotency-key", "k1");
        }
        let reply = gateway.send(request).await;
        assert_eq!((reply.status, reply.header("retry-after")), (503, "1"), "{method}");
        assert!(code.is_empty() || reply.body["code"] == code, "{method}: {}", reply.body);
        let seen = stub.seen();
        assert_eq!(seen.len() - before, times, "{method}, key: {key}");
        assert!(seen[before..].iter().all(|seen| seen.body == b"a body"), "{method}");
        before = seen.len();
    }
    gateway.stop().await;
}

#[tokio::test]
async fn an_answer_that_is_none_is_502() {
    let stub = Stub::start(|_| Act::AnswerAndClose(b"GO AWAY\r\n\r\n".to_vec()));
    let gateway = gateway(&[stub.url()]).await;
    gateway.get(NOTES).await.is_problem(502, "bad_gateway");
    assert_eq!(stub.seen().len(), 1);
    gateway.stop().await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_breaks_off_for_the_client_too() {
    for framing in ["content-length: 100\r\n\r\n", "transfer-encoding: chunked\r\n\r\n4\r\n"] {
        let half = format!("HTTP/1.1 200 OK\r\n{framing}half\r\n");
        let stub = Stub::start(move |_| Act::AnswerAndClose(half.clone().into_bytes()));
        let gateway = gateway(&[stub.url()]).await;
        for _ in 0..5 {
            // What there was may have been on its way already, or not.
            let whole = match client().get(gateway.url(NOTES)).send().await {
                Ok(response) => response.text().await.ok(),
                Err(_) => None,
            };
            assert_eq!(whole, None, "the rest never came: {framing}");
        }
        gateway.stop().await;
    }
}

#[tokio::test]
async fn errors_of_a_handler_are_answers_and_open_nothing() {
    let stub = Stub::start(|seen| match seen.line() {
        "GET /api/v1/notes/bad" => answer("500 Internal Server Error", "", "no"),
        _ => answer("200 OK", "", "fine"),
    });
    let gateway = gateway_with(&[("notes", &[stub.url()])], |config| config.seams.gateway.breaker_failures = 2).await;
    for _ in 0..20 {
        gateway.get("/api/v1/notes/bad").await.is_problem(500, "internal");
    }
    assert_eq!(gateway.get(NOTES).await.body, "fine");
    assert_eq!(stub.seen().len(), 21, "an error is an answer and is not asked for twice");
    gateway.stop().await;
}

#[tokio::test]
async fn second_tries_have_a_budget() {
    let stub = Stub::start(|_| Act::Close);
    let gateway = gateway(&[stub.url()]).await;
    for _ in 0..200 {
        assert_eq!(gateway.get(NOTES).await.status, 503);
    }
    let tries = stub.seen().len() - 200;
    assert!((100..=121).contains(&tries), "what was saved up, and a tenth: {tries}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_breaker_opens_lets_nothing_through_and_closes_by_itself() {
    let (answers, asked) = tokio::sync::watch::channel(false);
    let stub = Stub::start(move |_| if *asked.borrow() { answer("200 OK", "", "well") } else { Act::Close });
    let gateway = gateway_with(&[("notes", &[stub.url()])], |config| {
        config.seams.gateway.breaker_failures = 3;
        config.seams.gateway.breaker_open = Duration::from_millis(700);
    })
    .await;
    let post = || gateway.send(client().post(gateway.url(NOTES)));
    for _ in 0..3 {
        post().await.is_problem(503, "outcome_unknown");
    }
    answers.send_replace(true);
    let refused = post().await;
    refused.is_problem(503, "unavailable");
    assert_eq!((refused.header("retry-after"), stub.seen().len()), ("1", 3), "nobody was asked");
    until("closed", async || post().await.status == 200).await;
    assert_eq!(post().await.status, 200);
    gateway.stop().await;
}

#[tokio::test]
async fn the_limits_nest() {
    let gateway = runtime::GatewayTuning::default();
    let command = Duration::from_secs(3);
    assert!(
        gateway.connect < command && command < gateway.deadline,
        "a service may finish before the gateway gives up"
    );
    assert_eq!(gateway.deadline, Duration::from_secs(10));
    assert!(tuning().deadline < gateway.deadline);
}
