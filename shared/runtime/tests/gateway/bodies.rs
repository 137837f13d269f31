//! Bodies pass piece by piece, and what is too much is refused by the service itself.

use crate::stub::{Act, Stub, answer, by_hand};
use crate::support::{NOTES, client, gateway, gateway_with};
use futures_util::{StreamExt, stream};
use serde_json::json;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

#[tokio::test]
async fn an_answer_passes_while_it_is_still_being_written() {
    let (url, mut connections) = by_hand().await;
    let gateway = gateway(&[url]).await;
    let asked = tokio::spawn(client().get(gateway.url(NOTES)).send());
    let mut service = connections.recv().await.unwrap();
    service.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n").await.unwrap();
    let mut answer = asked.await.unwrap().unwrap().bytes_stream();
    assert_eq!(answer.next().await.unwrap().unwrap(), "first");
    service.write_all(b"6\r\nsecond\r\n0\r\n\r\n").await.unwrap();
    assert_eq!(answer.next().await.unwrap().unwrap(), "second");
    assert!(answer.next().await.is_none());
    gateway.stop().await;
}

#[tokio::test]
async fn a_request_passes_while_it_is_still_being_written() {
    let (url, mut connections) = by_hand().await;
    let gateway = gateway(&[url]).await;
    let (pieces, rest) = mpsc::channel::<Result<&str, io::Error>>(1);
    let body = stream::unfold(rest, |mut rest| async { rest.recv().await.map(|piece| (piece, rest)) });
    let asked = tokio::spawn(client().post(gateway.url(NOTES)).body(reqwest::Body::wrap_stream(body)).send());
    pieces.send(Ok("the first piece")).await.unwrap();
    let mut service = connections.recv().await.unwrap();
    read_until(&mut service, "the first piece").await;
    pieces.send(Ok("and the last")).await.unwrap();
    drop(pieces);
    read_until(&mut service, "and the last").await;
    service.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
    assert_eq!(asked.await.unwrap().unwrap().status(), 204);
    gateway.stop().await;
}

async fn read_until(connection: &mut tokio::net::TcpStream, text: &str) {
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains(text) {
        assert_ne!(connection.read_buf(&mut read).await.unwrap(), 0, "it ended before {text}");
    }
}

#[tokio::test]
async fn a_huge_answer_arrives_whole() {
    let body = "0123456789abcdef".repeat(1 << 20);
    let expected = body.clone();
    let stub = Stub::start(move |_| answer("200 OK", "content-type: text/plain\r\n", &body));
    let gateway = gateway(&[stub.url()]).await;
    let received = client().get(gateway.url(NOTES)).send().await.unwrap().text().await.unwrap();
    assert!(received == expected, "{} of {} bytes", received.len(), expected.len());
    gateway.stop().await;
}

#[tokio::test]
async fn a_body_that_turns_out_too_large_is_the_services_to_refuse_and_ends_the_connection() {
    let stub = Stub::start(|seen| answer("413 Payload Too Large", "", &seen.body.len().to_string()));
    let gateway = gateway(&[stub.url()]).await;
    let limit = 256 * 1024;
    let fits = gateway.send(client().post(gateway.url(NOTES)).body("x".repeat(limit))).await;
    assert_eq!((stub.seen()[0].body.len(), stub.seen()[0].header("content-length")), (limit, limit.to_string()));
    assert_eq!((fits.status, fits.header("connection")), (413, "close"), "whoever says so, the rest is not read");
    for _ in 0..3 {
        // The client may still be writing when the answer comes and the connection ends.
        let pieces = stream::iter((0..8).map(move |_| Ok::<_, io::Error>("x".repeat(limit))));
        let _ = client().post(gateway.url(NOTES)).body(reqwest::Body::wrap_stream(pieces)).send().await;
    }
    let seen = stub.seen();
    assert_eq!(seen.len(), 4);
    for seen in &seen[1..] {
        assert_eq!((seen.body.len(), seen.header("transfer-encoding")), (limit + 1, "chunked".to_owned()));
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_body_that_is_said_to_be_too_large_is_refused_before_it_comes() {
    let stub = Stub::start(|_| answer("200 OK", "", "reached"));
    let gateway = gateway(&[stub.url()]).await;
    for length in [256 * 1024 + 1, usize::MAX] {
        let head = format!("POST {NOTES} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n");
        let reply = gateway.raw(&head).await;
        assert!(reply.starts_with("HTTP/1.1 413 ") && reply.contains("\"payload_too_large\""), "{reply}");
        assert!(reply.contains("a body may have 262144 bytes") && reply.matches("HTTP/1.1 ").count() == 1, "{reply}");
        assert!(reply.contains("connection: close\r\n"), "{reply}");
    }
    assert!(stub.seen().is_empty());
    gateway.stop().await;
}

#[tokio::test]
async fn a_client_that_stops_in_the_middle_is_no_failure_of_the_service() {
    let stub = Stub::start(|_| answer("200 OK", "", "well"));
    let gateway = gateway_with(&[("notes", &[stub.url()])], |config| config.seams.gateway.breaker_failures = 1).await;
    for _ in 0..3 {
        let mut connection = tokio::net::TcpStream::connect(gateway.server.address()).await.unwrap();
        let half = format!("POST {NOTES} HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf");
        connection.write_all(half.as_bytes()).await.unwrap();
        connection.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(5), connection.read_to_end(&mut answer)).await;
        let _ = read.expect("the connection ends");
    }
    assert_eq!(gateway.get(NOTES).await.body, "well");
    assert_eq!(stub.seen().len(), 1, "half a request is none");
    gateway.stop().await;
}

#[tokio::test]
async fn a_client_that_goes_away_ends_the_request_and_its_answer() {
    let (url, mut connections) = by_hand().await;
    let gateway = gateway(&[url]).await;
    for begun in [&b""[..], b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n"] {
        let mut client = tokio::net::TcpStream::connect(gateway.server.address()).await.unwrap();
        client.write_all(format!("GET {NOTES} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
        let mut service = connections.recv().await.unwrap();
        read_until(&mut service, "\r\n\r\n").await;
        service.write_all(begun).await.unwrap();
        if !begun.is_empty() {
            read_until(&mut client, "first").await;
        }
        drop(client);
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(2), service.read_to_end(&mut rest)).await;
        assert!(ended.is_ok(), "nobody waits for what the service would say");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_body_passes_also_where_another_protocol_is_offered() {
    let stub = Stub::start(|seen| answer("200 OK", "", &String::from_utf8_lossy(&seen.body)));
    let gateway = gateway(&[stub.url()]).await;
    let offer = "connection: close, upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk";
    for framed in ["content-length: 5\r\n\r\nwhole", "transfer-encoding: chunked\r\n\r\n5\r\nwhole\r\n0\r\n\r\n"] {
        let reply = gateway.raw(&format!("POST {NOTES} HTTP/1.1\r\nhost: x\r\n{offer}\r\n{framed}")).await;
        assert!(reply.starts_with("HTTP/1.1 200 OK\r\n") && reply.ends_with("whole"), "{reply}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_connection_goes_on_after_a_body() {
    let stub = Stub::start(|seen| answer("200 OK", "", &String::from_utf8_lossy(&seen.body)));
    let gateway = gateway(&[stub.url()]).await;
    let chunks = || reqwest::Body::wrap_stream(stream::iter(["one ", "two"].map(Ok::<_, io::Error>)));
    for _ in 0..20 {
        for body in [reqwest::Body::from("one two"), chunks()] {
            let reply = gateway.send(client().post(gateway.url(NOTES)).body(body)).await;
            assert_eq!((reply.header("connection"), &reply.body), ("", &json!("one two")));
        }
    }
    gateway.stop().await;
}

#[tokio::test]
async fn an_answer_that_is_framed_in_two_ways_is_read_as_chunks() {
    let stub = Stub::start(|_| {
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n";
        Act::Answer(format!("{head}6\r\nsecond\r\n0\r\n\r\n"))
    });
    let gateway = gateway(&[stub.url()]).await;
    assert_eq!(gateway.get(NOTES).await.body, "second");
    gateway.stop().await;
}

#[tokio::test]
async fn a_head_without_a_length_claims_none() {
    let stub = Stub::start(|_| Act::Answer("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_owned()));
    let gateway = gateway(&[stub.url()]).await;
    let reply = gateway.raw(&format!("HEAD {NOTES} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")).await;
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n") && reply.ends_with("\r\n\r\n"), "{reply}");
    assert!(!reply.contains("content-length"), "{reply}");
    gateway.stop().await;
}

#[tokio::test]
async fn an_answer_before_the_end_of_a_body_arrives() {
    let (url, mut connections) = by_hand().await;
    let gateway = gateway(&[url]).await;
    let service = tokio::spawn(async move {
        while let Some(mut connection) = connections.recv().await {
            read_until(&mut connection, "\r\n\r\n").await;
            let head = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno";
            connection.write_all(head.as_bytes()).await.unwrap();
            // Dropped with bytes that nobody has read: a reset.
        }
    });
    for n in 0..100 {
        let reply = gateway.send(client().post(gateway.url(NOTES)).body("x".repeat(2000 * (n + 1)))).await;
        assert_eq!(reply.status, 401, "{n}");
    }
    service.abort();
    gateway.stop().await;
}
