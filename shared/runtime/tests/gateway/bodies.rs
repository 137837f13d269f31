//! Bodies pass piece by piece, and what is too much is refused by the service itself.

use crate::stub::{Stub, answer, by_hand};
use crate::support::{NOTES, client, gateway, gateway_with};
use futures_util::{StreamExt, stream};
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
async fn a_body_that_is_too_large_is_the_services_to_refuse_and_ends_the_connection() {
    let stub = Stub::start(|seen| answer("413 Payload Too Large", "", &seen.body.len().to_string()));
    let gateway = gateway(&[stub.url()]).await;
    let limit = 256 * 1024;
    let fits = gateway.send(client().post(gateway.url(NOTES)).body("x".repeat(limit))).await;
    assert_eq!((stub.seen()[0].body.len(), stub.seen()[0].header("content-length")), (limit, limit.to_string()));
    assert_eq!((fits.status, fits.header("connection")), (413, "close"), "whoever says so, the rest is not read");
    for _ in 0..3 {
        // The client may still be writing when the answer comes and the connection ends.
        let _ = client().post(gateway.url(NOTES)).body("x".repeat(8 * limit)).send().await;
    }
    let seen = stub.seen();
    assert_eq!(seen.len(), 4);
    for seen in &seen[1..] {
        assert_eq!((seen.body.len(), seen.header("transfer-encoding")), (limit + 1, "chunked".to_owned()));
    }
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
