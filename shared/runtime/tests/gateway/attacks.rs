//! What a client can do to others by way of us: nothing.

use crate::stub::{Act, Stub, answer};
use crate::support::{NOTES, gateway, gateway_with};
use std::time::Duration;
use testkit::Heard;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

#[tokio::test]
async fn an_address_that_does_not_fit_is_414_and_no_failure_of_the_service() {
    let stub = Stub::start(|_| answer("200 OK", "", "well"));
    let gateway = gateway_with(&[("notes", &[stub.url()])], |config| config.seams.gateway.breaker_failures = 1).await;
    for path in [
        // Written with a percent sign, each of them is three bytes long.
        format!("{NOTES}/{}", "{".repeat(30_000)),
        format!("{NOTES}?q={}", "'".repeat(30_000)),
        // Scheme, host and port of the service come before it.
        format!("{NOTES}/{}", "x".repeat(65_534 - NOTES.len() - 1)),
    ] {
        let reply = gateway.raw(&format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")).await;
        assert!(reply.starts_with("HTTP/1.1 414 ") && reply.contains("\"uri_too_long\""), "{reply:.200}");
    }
    assert!(stub.seen().is_empty());
    assert_eq!(gateway.get(NOTES).await.body, "well");
    gateway.stop().await;
}

#[tokio::test]
async fn a_slow_client_is_no_failure_of_the_service() {
    let stub = Stub::start(|seen| answer("200 OK", "", &format!("{} bytes", seen.body.len())));
    let gateway = gateway_with(&[("notes", &[stub.url()])], |config| {
        config.seams.gateway.deadline = Duration::from_millis(200);
        config.seams.gateway.breaker_failures = 1;
    })
    .await;
    let mut slow = TcpStream::connect(gateway.server.address()).await.unwrap();
    let half = format!("POST {NOTES} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 8\r\n\r\nhalf");
    slow.write_all(half.as_bytes()).await.unwrap();
    let mut said = Vec::new();
    let waiting = timeout(Duration::from_millis(600), slow.read_buf(&mut said)).await;
    assert!(waiting.is_err(), "{}", String::from_utf8_lossy(&said));
    assert_eq!(gateway.get(NOTES).await.body, "0 bytes", "nobody else is kept out");
    slow.write_all(b"half").await.unwrap();
    slow.read_to_end(&mut said).await.unwrap();
    let said = String::from_utf8(said).unwrap();
    assert!(said.starts_with("HTTP/1.1 200 OK\r\n") && said.ends_with("8 bytes"), "{said}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_key_that_the_service_does_not_get_allows_no_second_try() {
    let stub = Stub::start(|_| Act::Close);
    let gateway = gateway(&[stub.url()]).await;
    let request = format!(
        "POST {NOTES} HTTP/1.1\r\nhost: x\r\nconnection: close, Idempotency-Key\r\nidempotency-key: k1\r\n\
         content-length: 2\r\n\r\n{{}}"
    );
    let reply = gateway.raw(&request).await;
    assert!(reply.contains("\"outcome_unknown\""), "{reply}");
    assert_eq!(stub.seen().len(), 1);
    gateway.stop().await;
}

#[tokio::test]
async fn a_request_that_can_be_read_in_two_ways_reaches_nobody() {
    let stub = Stub::start(|_| answer("200 OK", "", "reached"));
    let gateway = gateway(&[stub.url()]).await;
    let chunks = "0\r\n\r\nGET /api/v1/notes/smuggled HTTP/1.1\r\nhost: x\r\n\r\n";
    for head in [
        "host: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked",
        "host: x\r\ntransfer-encoding: chunked\r\ncontent-length: 5",
        "host: x\r\ncontent-length: 5\r\ncontent-length: 5",
        "host: x\r\ncontent-length: 5\r\ncontent-length: 6",
        "host: x\r\ncontent-length: 5, 5",
        "host: x\r\ncontent-length: +5",
        "host: x\r\ncontent-length: -5",
        "host: x\r\ncontent-length: 0x5",
        "host: x\r\ncontent-length : 5",
        "host: x\r\ntransfer-encoding: xchunked",
        "host: x\r\ntransfer-encoding: chunked, identity",
        "host: x\r\ntransfer-encoding: gzip, chunked",
        "host: x\r\ntransfer-encoding: identity",
        "host: x\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked",
        "host: x\r\ntransfer-encoding: chunked\r\ntransfer-encoding: identity",
        "host: x\r\ntransfer-encoding : chunked",
        "host: x\r\ntransfer-encoding:\x0bchunked",
        "host: x\r\nx-folded: a\r\n transfer-encoding: chunked",
        "host: x\r\nhost: y",
        "x-no: host",
    ] {
        let reply = gateway.raw(&format!("POST {NOTES} HTTP/1.1\r\n{head}\r\n\r\n{chunks}")).await;
        assert!(reply.starts_with("HTTP/1.1 400 "), "{head}: {reply}");
        assert_eq!(reply.matches("HTTP/1.1 ").count(), 1, "{head}: {reply}");
    }
    let old = gateway.raw(&format!("POST {NOTES} HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n{chunks}")).await;
    assert!(old.starts_with("HTTP/1.0 400 ") || old.starts_with("HTTP/1.1 400 "), "{old}");
    assert!(stub.seen().is_empty(), "{:?}", stub.seen());
    gateway.stop().await;
}

/// RFC 9112, section 2.2, lets a line end so; a proxy in front of us may see another request in it.
#[tokio::test]
async fn a_line_that_ends_without_a_carriage_return_is_refused_also_behind_another_request() {
    let stub = Stub::start(|seen| answer("200 OK", "", &String::from_utf8_lossy(&seen.body)));
    let gateway = gateway(&[stub.url()]).await;
    let body = "{\n\n}";
    let whole = [
        format!("POST {NOTES} HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n{body}"),
        format!("POST {NOTES} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n4\r\n{body}\r\n0\r\n\r\n"),
    ];
    for bare in [
        format!("GET {NOTES} HTTP/1.1\nhost: x\r\n\r\n"),
        format!("GET {NOTES} HTTP/1.1\r\nhost: x\nx-one: 1\r\n\r\n"),
        format!("GET {NOTES} HTTP/1.1\r\nhost: x\r\n\n"),
        format!("\nGET {NOTES} HTTP/1.1\r\nhost: x\r\n\r\n"),
    ] {
        let reply = gateway.raw(&bare).await;
        assert!(reply.starts_with("HTTP/1.1 400 ") && reply.matches("HTTP/1.1 ").count() == 1, "{bare:?}: {reply}");
        assert!(stub.seen().is_empty(), "{bare:?}");
    }
    let bare = format!("GET {NOTES} HTTP/1.1\r\nhost: x\nx-one: 1\r\n\r\n");
    for (n, first) in whole.iter().enumerate() {
        let mut connection = TcpStream::connect(gateway.server.address()).await.unwrap();
        connection.write_all(first.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(body.as_bytes()) {
            let read = connection.read_buf(&mut answer).await.unwrap();
            assert!(read > 0, "{}", String::from_utf8_lossy(&answer));
        }
        assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"), "{}", String::from_utf8_lossy(&answer));
        connection.write_all(bare.as_bytes()).await.unwrap();
        let heard = Heard::on(&mut connection).await;
        assert_eq!((heard.status(), heard.answers(), heard.ended), (400, 1, true), "{}", heard.text);
        assert_eq!(stub.seen().len(), n + 1, "{:?}", stub.seen());
    }
    for first in whole {
        // They come together; of the first one the answer may be lost with the connection.
        let reply = gateway.raw(&format!("{first}{bare}")).await;
        assert!(reply.matches("HTTP/1.1 200 ").count() <= 1, "{reply}");
    }
    let lines: Vec<_> = stub.seen().iter().map(|seen| seen.line().to_owned()).collect();
    assert!(lines.iter().all(|line| *line == format!("POST {NOTES}")), "{lines:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn no_spelling_of_what_is_internal_is_handed_on() {
    let stub = Stub::start(|_| answer("200 OK", "", "reached"));
    let gateway = gateway(&[stub.url()]).await;
    for path in [
        "/internal/revocations",
        "//internal/revocations",
        "/INTERNAL/revocations",
        "/%69nternal/revocations",
        "/internal;x/revocations",
        "/internal%2frevocations",
        "/api/v1/notes/../../../internal/revocations",
        "/api/v1/notes/%2e%2e/%2e%2e/%2e%2e/internal/revocations",
        "/api/v1/notes/.%2e/..%2f/internal/revocations",
        "/api/v1/notes\\..\\..\\..\\internal\\revocations",
        "http://x/internal/revocations",
    ] {
        let reply = gateway.raw(&format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")).await;
        assert!(reply.starts_with("HTTP/1.1 404 ") || reply.starts_with("HTTP/1.1 400 "), "{path}: {reply}");
    }
    assert!(stub.seen().is_empty(), "{:?}", stub.seen());
    gateway.stop().await;
}

#[tokio::test]
async fn who_connects_to_an_address_is_told_what_it_allows() {
    let stub = Stub::start(|_| answer("405 Method Not Allowed", "allow: GET, HEAD\r\n", ""));
    let gateway = gateway(&[stub.url()]).await;
    let reply = gateway.raw(&format!("CONNECT {NOTES} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")).await;
    assert!(reply.starts_with("HTTP/1.1 405 ") && reply.contains("allow: GET, HEAD\r\n"), "{reply}");
    assert_eq!(stub.seen()[0].line(), format!("TRACE {NOTES}"));
    gateway.stop().await;
}
