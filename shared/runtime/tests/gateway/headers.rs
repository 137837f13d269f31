//! What a client can make a service believe about itself: nothing.

use crate::stub::{Stub, answer};
use crate::support::{NOTES, gateway, gateway_with};

#[tokio::test]
async fn what_belongs_to_a_connection_and_what_is_forged_is_gone_before_ours_is_set() {
    let stub = Stub::start(|_| answer("200 OK", "", "ok"));
    let gateway = gateway(&[stub.url()]).await;
    let request = format!(
        "GET {NOTES} HTTP/1.1\r\nHost: tasks.example\r\nConnection: close, X-Forwarded-For, x-request-id, X-Hop\r\n\
         X-Hop: 1\r\nKeep-Alive: timeout=9\r\nTE: trailers\r\nProxy-Authorization: Basic eA==\r\n\
         X-User-Id: 1\r\nX_User_Role: admin\r\nX.Internal.Token: t\r\nX-Internal-Token: t\r\n\
         X-Forwarded-For: 1.2.3.4\r\nX_Forwarded_For: 1.2.3.4\r\nX-Forwarded-Host: evil.example\r\n\
         X-Forwarded-Proto: https\r\nForwarded: for=1.2.3.4\r\nX-Real-IP: 1.2.3.4\r\nX-Kept: yes\r\n\r\n"
    );
    let reply = gateway.raw(&request).await;
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    let seen = &stub.seen()[0];
    let head = seen.head.to_ascii_lowercase();
    for gone in
        ["x-hop", "keep-alive", "\r\nte:", "proxy-", "user", "internal", "1.2.3.4", "evil", "forwarded:", "real-ip"]
    {
        assert!(!head.contains(gone), "{gone}: {head}");
    }
    assert_eq!(seen.header("x-kept"), "yes");
    assert_eq!(seen.header("host"), stub.address.to_string());
    assert_eq!(seen.header("x-forwarded-for"), "127.0.0.1");
    assert_eq!(seen.header("x-forwarded-proto"), "http");
    assert_eq!(seen.header("x-forwarded-host"), "tasks.example");
    assert!(reply.contains(&format!("x-request-id: {}\r\n", seen.header("x-request-id"))), "{reply}");
    assert_eq!(seen.header("traceparent").len(), 55);
    gateway.stop().await;
}

#[tokio::test]
async fn a_trusted_proxy_is_believed_and_named() {
    let stub = Stub::start(|_| answer("200 OK", "", "ok"));
    let gateway = gateway_with(&[("notes", &[stub.url()])], |config| {
        config.trusted_proxies = web::TrustedProxies::parse("127.0.0.0/8").unwrap();
    })
    .await;
    let request = format!(
        "GET {NOTES} HTTP/1.1\r\nHost: inner\r\nConnection: close\r\nX-Forwarded-For: 203.0.113.5, 10.0.0.1\r\n\
         X-Forwarded-Proto: https\r\nX-Forwarded-Host: tasks.example\r\n\r\n"
    );
    gateway.raw(&request).await;
    let seen = &stub.seen()[0];
    assert_eq!(seen.header("x-forwarded-for"), "203.0.113.5, 10.0.0.1, 127.0.0.1");
    assert_eq!(
        (seen.header("x-forwarded-proto"), seen.header("x-forwarded-host")),
        ("https".into(), "tasks.example".into())
    );
    gateway.stop().await;
}

#[tokio::test]
async fn a_connection_of_the_service_is_not_the_clients() {
    let stub = Stub::start(|_| {
        answer(
            "200 OK",
            "connection: x-inner, keep-alive\r\nx-inner: 1\r\nkeep-alive: timeout=9\r\nproxy-authenticate: x\r\n",
            "ok",
        )
    });
    let gateway = gateway(&[stub.url()]).await;
    let reply = gateway.get(NOTES).await;
    assert_eq!((reply.status, &reply.body), (200, &"ok".into()));
    for gone in ["x-inner", "keep-alive", "proxy-authenticate", "connection"] {
        assert_eq!(reply.header(gone), "", "{gone}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn nobody_is_upgraded() {
    let stub = Stub::start(|seen| match seen.line() {
        "GET /api/v1/notes/odd" => {
            crate::stub::Act::Answer("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n".to_owned())
        }
        _ => answer("200 OK", "", "plain"),
    });
    let gateway = gateway(&[stub.url()]).await;
    let upgrade =
        "connection: close, upgrade\r\nupgrade: websocket\r\nsec-websocket-key: eA==\r\nsec-websocket-version: 13";
    let reply = gateway.raw(&format!("GET {NOTES} HTTP/1.1\r\nhost: x\r\n{upgrade}\r\n\r\n")).await;
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n") && reply.ends_with("plain"), "{reply}");
    assert_eq!(stub.seen()[0].header("upgrade"), "");
    gateway.get("/api/v1/notes/odd").await.is_problem(502, "bad_gateway");
    gateway.stop().await;
}
