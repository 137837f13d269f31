//! What only a real connection shows: bytes that are left out, and connections that end.

use crate::world::{World, serve_on, undescribed};
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;
use web::{At, Body, Edge};

async fn fine() -> HttpResponse {
    HttpResponse::Ok().body("fine")
}

async fn take(Body(body): Body<String>) -> String {
    body
}

async fn panics(_: Path<u32>) -> HttpResponse {
    panic!("the handler panics")
}

/// Sends bytes and reads until the server closes, or has said nothing for longer than any machine needs.
async fn talk(address: SocketAddr, sent: Vec<u8>) -> String {
    let talking = move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(8))).unwrap();
        stream.write_all(&sent).unwrap();
        let mut heard = Vec::new();
        match stream.read_to_end(&mut heard) {
            Err(error) if !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("{error}: the answer was lost after {:?}", String::from_utf8_lossy(&heard))
            }
            _ => String::from_utf8(heard).unwrap(),
        }
    };
    tokio::task::spawn_blocking(talking).await.unwrap()
}

/// Sends bytes, and goes on sending one-byte chunks; whether the server ends that.
async fn is_left(address: SocketAddr, sent: Vec<u8>) -> bool {
    let dripping = move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        stream.write_all(&sent).unwrap();
        let mut heard = [0; 4096];
        (0..100).any(|_| stream.write_all(b"1\r\n \r\n").is_err() || matches!(stream.read(&mut heard), Ok(0)))
    };
    tokio::task::spawn_blocking(dripping).await.unwrap()
}

async fn server() -> (actix_web::dev::ServerHandle, SocketAddr) {
    let mut world = World::new().await;
    world.edge = Data::new(Edge { body_deadline: Duration::from_millis(100), ..Edge::default() });
    serve_on!(
        world,
        At::new("/fine").get(fine, undescribed()),
        At::new("/take").post(take, undescribed()),
        At::new("/panics/{n}").get(panics, undescribed())
    )
}

#[actix_web::test]
async fn head_has_the_length_and_not_the_bytes() {
    let (server, address) = server().await;
    let heard = talk(address, b"HEAD /fine HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_vec()).await;
    assert!(heard.starts_with("HTTP/1.1 200") && heard.contains("content-length: 4\r\n"), "{heard}");
    assert!(heard.ends_with("\r\n\r\n"), "{heard}");
    server.stop(false).await;
}

#[actix_web::test]
async fn whoever_sends_too_much_can_still_read_why_it_was_refused() {
    let (server, address) = server().await;
    let mut sent =
        b"POST /take HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 307200\r\n\r\n".to_vec();
    sent.extend(vec![b' '; 300 * 1024]);
    let heard = talk(address, sent).await;
    assert!(heard.starts_with("HTTP/1.1 413") && heard.contains("connection: close\r\n"), "{heard}");
    assert!(heard.contains("\"code\":\"payload_too_large\""), "{heard}");

    for path in ["/take", "/fine", "/nowhere"] {
        let sent = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 307200\r\n\r\n");
        let heard = talk(address, sent.into_bytes()).await;
        assert!(heard.starts_with("HTTP/1.1 413") && heard.contains("connection: close\r\n"), "{path}: {heard}");
    }

    let mut sent =
        b"POST /take HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
            .to_vec();
    for _ in 0..300 {
        sent.extend(b"400\r\n");
        sent.extend(vec![b' '; 1024]);
        sent.extend(b"\r\n");
    }
    sent.extend(b"0\r\n\r\n");
    let heard = talk(address, sent).await;
    assert!(heard.starts_with("HTTP/1.1 413") && heard.contains("\"code\":\"payload_too_large\""), "{heard}");
    server.stop(false).await;
}

#[actix_web::test]
async fn a_body_without_an_end_that_nobody_reads_ends_the_connection() {
    let (server, address) = server().await;
    let endless = |address: &str, chunk: &str| {
        let head = "Host: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked";
        format!("POST {address} HTTP/1.1\r\n{head}\r\n\r\n{:x}\r\n{chunk}\r\n", chunk.len())
    };
    for (sent, status) in [
        (endless("/nowhere", "1"), "404"),
        (endless("/fine", "1"), "405"),
        (endless("/take", "1"), "408"),
        (endless("/take", &" ".repeat(300 * 1024)), "413"),
    ] {
        let heard = talk(address, sent.into_bytes()).await;
        assert!(heard.starts_with(&format!("HTTP/1.1 {status}")), "{heard}");
        assert!(heard.contains("connection: close\r\n"), "{heard}");
    }
    assert!(is_left(address, endless("/nowhere", "1").into_bytes()).await);
    // One that has ended costs the connection nothing.
    let sent = endless("/nowhere", "1") + "0\r\n\r\nGET /fine HTTP/1.1\r\nHost: x\r\n\r\n";
    let heard = talk(address, sent.into_bytes()).await;
    assert!(heard.starts_with("HTTP/1.1 404") && heard.ends_with("fine"), "{heard}");
    server.stop(false).await;
}

#[actix_web::test]
async fn whoever_is_too_slow_is_told_and_left() {
    let (server, address) = server().await;
    let sent =
        b"POST /take HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n\"".to_vec();
    let heard = talk(address, sent).await;
    assert!(heard.starts_with("HTTP/1.1 408") && heard.contains("connection: close\r\n"), "{heard}");
    assert!(heard.contains("\"code\":\"request_timeout\""), "{heard}");
    server.stop(false).await;
}

#[actix_web::test]
async fn a_connection_survives_a_panic() {
    let (server, address) = server().await;
    let sent = "GET /panics/1 HTTP/1.1\r\nHost: x\r\n\r\nGET /fine HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let heard = talk(address, sent.as_bytes().to_vec()).await;
    assert!(heard.starts_with("HTTP/1.1 500") && heard.contains("\"code\":\"internal\""), "{heard}");
    assert!(heard.contains("HTTP/1.1 200") && heard.ends_with("fine"), "{heard}");
    server.stop(false).await;
}
