//! What the process answers by itself.

use crate::support::{client, domain, get, place, send};
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn the_root_helps_a_program_with_json_and_a_browser_with_a_page() {
    let (_directory, config) = place();
    let server = runtime::serve(config, vec![domain("notes", &["/api/v1/notes"])]).await.unwrap();
    let reply = get(&server, "/").await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.body,
        json!({
            "name": "Cleave",
            "version": env!("CARGO_PKG_VERSION"),
            "links": {
                "openapi": "/openapi.json", "docs": "/docs", "errors": "/docs/errors", "health": "/health",
                "services": { "notes": "/health/notes" },
            },
        })
    );
    let root = format!("http://{}/", server.address());
    let page = send(client().get(root).header("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")).await;
    assert_eq!((page.status, page.header("location")), (303, "/docs"));
    server.stop().await;
}

#[tokio::test]
async fn the_pages_need_nothing_from_elsewhere_and_allow_little() {
    let (_directory, config) = place();
    let server = runtime::serve(config, vec![domain("notes", &["/api/v1/notes"])]).await.unwrap();
    let page = get(&server, "/docs/errors").await;
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    let html = page.body.as_str().unwrap();
    assert!(html.contains("<tr id=\"validation_failed\">"), "{html}");
    for active in ["<script", "<link", "<img", "src="] {
        assert!(!html.contains(active), "/docs/errors must not hold {active}");
    }
    let docs = get(&server, "/docs").await;
    let policy = docs.header("content-security-policy").to_owned();
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
    let script = policy.split(';').find(|part| part.trim().starts_with("script-src")).unwrap();
    assert!(!script.contains("unsafe"), "{policy}");
    for page in [&page, &docs] {
        assert_eq!(page.status, 200);
        assert!(page.header("content-type").starts_with("text/html"));
        let html = page.body.as_str().unwrap();
        for foreign in ["http://", "https://", "\"//", "@import"] {
            assert!(!html.contains(foreign), "a page must not hold {foreign}");
        }
    }
    let html = docs.body.as_str().unwrap();
    for part in html.split("=\"/docs/").skip(1) {
        let file = part.split('"').next().unwrap();
        let reply = get(&server, &format!("/docs/{file}")).await;
        assert_eq!(reply.status, 200, "{file}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
    }
    assert_eq!(get(&server, "/docs/nonsense").await.status, 404);
    assert_eq!(get(&server, "/docs/index.html").await.status, 404);
    assert_eq!(get(&server, "/").await.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
    server.stop().await;
}

#[tokio::test]
async fn every_refusal_of_the_process_is_a_problem_document() {
    let (_directory, mut config) = place();
    config.domains = vec!["notes".to_owned()];
    let modules = vec![domain("notes", &["/api/v1/notes"]), domain("tasks", &["/api/v1/tasks", "/api/v1/lists"])];
    let server = runtime::serve(config, modules).await.unwrap();
    for (path, status, code) in [
        ("/nowhere", 404, "not_found"),
        ("/api/v1/notesandmore", 404, "not_found"),
        ("/api/v1/tasks", 404, "domain_absent"),
        ("/api/v1/tasks/7?q=1", 404, "domain_absent"),
        ("/api/v1/lists/", 404, "domain_absent"),
        ("/api/v1/tasksandmore", 404, "not_found"),
        ("/health/tasks", 404, "not_found"),
        ("/health?verbos=true", 400, "unknown_parameter"),
        ("/?a=1", 400, "unknown_parameter"),
    ] {
        let reply = get(&server, path).await;
        assert_eq!((reply.status, reply.body["code"].as_str()), (status, Some(code)), "{path}: {}", reply.body);
        assert_eq!(reply.header("content-type"), "application/problem+json", "{path}");
        assert_eq!(reply.body["instance"].as_str(), path.split('?').next(), "{path}");
        assert_eq!(reply.body["request_id"].as_str(), Some(reply.header("x-request-id")), "{path}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
    }
    let reply = send(client().post(format!("http://{}/health", server.address()))).await;
    assert_eq!((reply.status, reply.header("allow")), (405, "GET, HEAD"));
    let reply = send(client().head(format!("http://{}/health", server.address()))).await;
    assert_eq!((reply.status, reply.body), (200, json!("")));
    server.stop().await;
}

#[tokio::test]
async fn the_public_url_is_the_one_that_was_given_or_the_real_address() {
    let (_directory, config) = place();
    let server = runtime::serve(config, vec![domain("notes", &["/api/v1/notes"])]).await.unwrap();
    assert_eq!(server.public_url(), format!("http://{}", server.address()));
    assert_ne!(server.address().port(), 0);
    let plain = get(&server, "/").await;
    assert_eq!(plain.header("strict-transport-security"), "");
    server.stop().await;

    let (_directory, mut config) = place();
    config.public_url = Some("https://tasks.example.org".to_owned());
    let server = runtime::serve(config, vec![domain("notes", &["/api/v1/notes"])]).await.unwrap();
    assert_eq!(server.public_url(), "https://tasks.example.org");
    assert!(get(&server, "/").await.header("strict-transport-security").starts_with("max-age="));
    server.stop().await;
}

#[tokio::test]
async fn a_head_that_does_not_come_ends_the_connection() {
    let (_directory, mut config) = place();
    config.seams.head_deadline = Duration::from_millis(100);
    let server = runtime::serve(config, vec![domain("notes", &["/api/v1/notes"])]).await.unwrap();
    let mut slow = TcpStream::connect(server.address()).await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nhost: h\r\nx-slow: ").await.unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    server.stop().await;
}
