//! What one client can take of a process, and what the process says of itself to scripts.

use crate::support::{client, own_address, place, send, with};
use actix_web::HttpResponse;
use actix_web::body::SizedStream;
use actix_web::web::Bytes;
use futures_util::stream;
use runtime::{Config, Module, Mounted, Server};
use std::convert::Infallible;
use std::io::ErrorKind;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{interval, timeout};
use web::openapi::Operation;
use web::{At, Origins, Quota, TrustedProxies};

/// Long enough for a busy machine.
const HEAD: Duration = Duration::from_secs(1);
/// Longer than anything that waits for a head.
const LONG: Duration = Duration::from_millis(2500);
/// Longer than any machine needs.
const PATIENCE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const BIG: u64 = 8 * 1024 * 1024;

async fn slow() -> HttpResponse {
    // Nothing wakes it.
    let _ = timeout(LONG, std::future::pending::<()>()).await;
    HttpResponse::Ok().body("slow")
}

async fn big() -> HttpResponse {
    HttpResponse::Ok().body(vec![b'x'; usize::try_from(BIG).unwrap()])
}

async fn pieces() -> HttpResponse {
    let piece = || async { Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 1024])) };
    let pieces = stream::unfold(BIG / 1024, move |left| async move {
        (left > 0).then_some(())?;
        Some((piece().await, left - 1))
    });
    HttpResponse::Ok().body(SizedStream::new(BIG, Box::pin(pieces)))
}

fn notes() -> Module {
    with("notes", &["/api/v1/notes"], || {
        Mounted::new().routes(|config| {
            config
                .service(
                    At::new("/api/v1/notes")
                        .get(|| async { HttpResponse::Ok().body("notes") }, Operation::new("notes", "Notes")),
                )
                .service(At::new("/api/v1/notes/slow").get(slow, Operation::new("slow", "Notes")))
                .service(At::new("/api/v1/notes/big").get(big, Operation::new("big", "Notes")))
                .service(At::new("/api/v1/notes/pieces").get(pieces, Operation::new("pieces", "Notes")));
        })
    })
}

async fn server(change: impl FnOnce(&mut Config)) -> (Server, TempDir) {
    let (directory, mut config) = place();
    change(&mut config);
    (runtime::serve(config, vec![notes()]).await.unwrap(), directory)
}

/// One whose clients have a second for a head.
async fn hurried() -> (Server, TempDir) {
    server(|config| config.seams.head_deadline = HEAD).await
}

fn get(path: &str) -> String {
    format!("GET /api/v1/notes{path} HTTP/1.1\r\nhost: h\r\n\r\n")
}

/// Reads until this text has come.
async fn hear(connection: &mut TcpStream, text: &str) -> String {
    let mut heard = Vec::new();
    while !String::from_utf8_lossy(&heard).contains(text) {
        assert!(connection.read_buf(&mut heard).await.unwrap() > 0, "{}", String::from_utf8_lossy(&heard));
    }
    String::from_utf8(heard).unwrap()
}

/// Whether the other end has gone; a reset is an end too.
async fn is_left(connection: &mut TcpStream) -> bool {
    match timeout(Duration::from_millis(10), connection.read(&mut [0; 1024])).await {
        Ok(Ok(0)) => true,
        Ok(Err(error)) => matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe),
        Ok(Ok(_)) | Err(_) => false,
    }
}

#[tokio::test]
async fn a_later_head_that_does_not_come_ends_the_connection_as_a_first_one_does() {
    let (server, _directory) = hurried().await;
    let mut drips = TcpStream::connect(server.address()).await.unwrap();
    for _ in 0..3 {
        drips.write_all(get("").as_bytes()).await.unwrap();
        hear(&mut drips, "\r\n\r\nnotes").await;
    }
    let began = Instant::now();
    drips.write_all(b"GET /api/v1/notes HTTP/1.1\r\nhost: h\r\nx-slow: ").await.unwrap();
    let mut ticks = interval(HEAD / 6);
    while !is_left(&mut drips).await {
        assert!(began.elapsed() < 10 * HEAD, "a byte now and then keeps the connection");
        ticks.tick().await;
        let _ = drips.write_all(b"x").await;
    }
    assert!(began.elapsed() >= HEAD, "{:?}", began.elapsed());
    server.stop().await;
}

#[tokio::test]
async fn a_head_that_comes_in_pieces_but_in_time_is_answered() {
    let (server, _directory) = hurried().await;
    let mut connection = TcpStream::connect(server.address()).await.unwrap();
    for _ in 0..3 {
        let mut ticks = interval(HEAD / 10);
        for piece in get("").as_bytes().chunks(16) {
            ticks.tick().await;
            connection.write_all(piece).await.unwrap();
        }
        hear(&mut connection, "\r\n\r\nnotes").await;
        // Between two requests there is more time than for a head.
        let _ = timeout(2 * HEAD, std::future::pending::<()>()).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_request_under_way_is_not_cut_whatever_the_client_sends_meanwhile() {
    let (server, _directory) = hurried().await;
    let mut connection = TcpStream::connect(server.address()).await.unwrap();
    connection.write_all(get("").as_bytes()).await.unwrap();
    hear(&mut connection, "\r\n\r\nnotes").await;
    connection.write_all(get("/slow").as_bytes()).await.unwrap();
    let next = get("");
    let (first, rest) = next.split_at(10);
    connection.write_all(first.as_bytes()).await.unwrap();
    hear(&mut connection, "\r\n\r\nslow").await;
    connection.write_all(rest.as_bytes()).await.unwrap();
    hear(&mut connection, "\r\n\r\nnotes").await;
    server.stop().await;
}

#[tokio::test]
async fn an_answer_that_is_read_slowly_comes_to_its_end() {
    let (server, _directory) = hurried().await;
    for path in ["/big", "/pieces"] {
        let mut connection = TcpStream::connect(server.address()).await.unwrap();
        connection.write_all(get("").as_bytes()).await.unwrap();
        hear(&mut connection, "\r\n\r\nnotes").await;
        connection.write_all(format!("{}GET /api", get(path)).as_bytes()).await.unwrap();
        let mut heard = vec![0; 1024 * 1024];
        let (mut read, mut ticks) = (0, interval(LONG / 5));
        while read < BIG {
            ticks.tick().await;
            let now = connection.read(&mut heard).await.unwrap();
            assert!(now > 0, "{path} was cut after {read} bytes");
            read += u64::try_from(now).unwrap();
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn an_answer_of_which_nothing_is_read_ends_its_connection() {
    let (server, _directory) = server(|config| config.seams.unread_deadline = HEAD).await;
    for path in ["/big", "/pieces"] {
        let mut connection = TcpStream::connect(server.address()).await.unwrap();
        connection.write_all(get(path).as_bytes()).await.unwrap();
        let (began, mut ticks) = (Instant::now(), interval(HEAD / 2));
        // Who sends to a connection that has ended is told by a reset; what waits to be read says nothing of it.
        while connection.write_all(b"x").await.is_ok() {
            assert!(began.elapsed() < 20 * HEAD, "{path} waits for a client that reads nothing");
            ticks.tick().await;
        }
        assert!(began.elapsed() >= HEAD, "{path}: {:?}", began.elapsed());
    }
    server.stop().await;
}

#[tokio::test]
async fn an_answer_of_which_a_little_is_read_now_and_then_is_not_given_up() {
    let (server, _directory) = server(|config| config.seams.unread_deadline = 3 * HEAD).await;
    let mut connection = TcpStream::connect(server.address()).await.unwrap();
    connection.write_all(get("/big").as_bytes()).await.unwrap();
    let mut ticks = interval(HEAD / 10);
    let mut heard = vec![0; 16 * 1024];
    let mut read = 0;
    // By then a third of what waits in the kernel has not been read, before which Linux does not call for more.
    for _ in 0..60 {
        ticks.tick().await;
        read += connection.read_exact(&mut heard).await.unwrap();
    }
    while read < usize::try_from(BIG).unwrap() {
        let now = connection.read(&mut heard).await.unwrap();
        assert!(now > 0, "it was cut after {read} bytes");
        read += now;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_thousand_connections_that_say_nothing_leave_the_others_alone() {
    let (server, _directory) = server(|config| config.seams.head_deadline = Duration::from_secs(60)).await;
    let mut idle = Vec::new();
    for _ in 0..1000 {
        idle.push(TcpStream::connect(server.address()).await.unwrap());
    }
    for _ in 0..20 {
        let began = Instant::now();
        let reply = send(client().get(format!("http://{}/health", server.address()))).await;
        assert_eq!(reply.status, 200);
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    }
    drop(idle);
    server.stop().await;
}

#[tokio::test]
async fn a_network_that_asks_too_often_is_refused_and_health_goes_on() {
    // Each is a day, so that nothing comes back while the test runs, however slow the machine is.
    let quota = Quota::new(3, 3 * DAY);
    let (server, _directory) = server(|config| {
        config.rate_limit = quota;
        own_address(config, 9);
        config.seams.head_deadline = PATIENCE;
        config.seams.limits.acquire = PATIENCE;
        config.seams.limits.statement = PATIENCE;
    })
    .await;
    let url = |path: &str| format!("http://{}{path}", server.address());
    for left in [2, 1, 0] {
        let reply = send(client().get(url("/api/v1/notes")).header("x-forwarded-for", format!("192.0.2.{left}"))).await;
        let (status, policy) = (reply.status, reply.header("ratelimit-policy"));
        assert_eq!((status, policy), (200, "\"default\";q=3;w=259200"), "{}", reply.body);
        assert!(reply.header("ratelimit").starts_with(&format!("\"default\";r={left};t=")), "{:?}", reply.headers);
    }
    for path in ["/api/v1/notes", "/nowhere", "/docs"] {
        let reply = send(client().get(url(path)).header("x-forwarded-for", "192.0.2.9")).await;
        assert_eq!((reply.status, reply.body["code"].as_str()), (429, Some("rate_limited")), "{path}: {}", reply.body);
        assert_eq!(reply.header("content-type"), "application/problem+json");
        let wait = Duration::from_secs(reply.header("retry-after").parse().unwrap());
        assert!(wait > DAY / 2 && wait <= DAY, "{wait:?}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
    }
    for (path, verbose) in
        [("/health", "?verbose=true"), ("/health/live", ""), ("/health/ready", ""), ("/health/notes", "?verbose=true")]
    {
        let reply = send(client().get(url(&format!("{path}{verbose}")))).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
    }
    assert_eq!(send(client().get(url("/metrics"))).await.status, 401);
    server.stop().await;
}

#[tokio::test]
async fn nobody_is_limited_who_is_not_told_to_be_and_no_script_may_call() {
    let (server, _directory) = server(|_| {}).await;
    let reply =
        send(client().get(format!("http://{}/api/v1/notes", server.address())).header("origin", "https://a.b")).await;
    for absent in ["ratelimit", "ratelimit-policy", "access-control-allow-origin", "access-control-expose-headers"] {
        assert_eq!(reply.header(absent), "");
    }
    server.stop().await;
}

#[tokio::test]
async fn scripts_of_a_named_origin_may_call() {
    let origins = Origins::new(vec!["https://app.example".to_owned()]);
    let (server, _directory) = server(|config| config.cors_origins = origins).await;
    let asked = |method: reqwest::Method, origin: &str| {
        client()
            .request(method, format!("http://{}/api/v1/notes", server.address()))
            .header("origin", origin.to_owned())
            .header("access-control-request-method", "POST")
    };
    for (method, origin, status, allowed) in [
        (reqwest::Method::OPTIONS, "https://app.example", 204, "https://app.example"),
        (reqwest::Method::OPTIONS, "https://app.example.evil", 405, ""),
        (reqwest::Method::GET, "https://app.example", 200, "https://app.example"),
        (reqwest::Method::GET, "null", 200, ""),
    ] {
        let reply = send(asked(method, origin)).await;
        assert_eq!((reply.status, reply.header("access-control-allow-origin")), (status, allowed));
        assert!(reply.header("vary").contains("Origin"));
    }
    server.stop().await;
}

#[tokio::test]
async fn who_came_over_tls_is_told_to_insist_on_it() {
    let (server, _directory) = server(|config| {
        config.trusted_proxies = TrustedProxies::parse("127.0.0.1").unwrap();
    })
    .await;
    let url = format!("http://{}/nowhere", server.address());
    let over = async |scheme: &'static str| {
        let reply = send(client().get(&url).header("x-forwarded-proto", scheme)).await;
        assert_eq!(reply.status, 404);
        reply.header("strict-transport-security").to_owned()
    };
    assert_eq!(over("https").await, "max-age=31536000; includeSubDomains");
    assert_eq!(over("http").await, "");
    server.stop().await;
    let (stranger, _directory) = self::server(|_| {}).await;
    let reply =
        send(client().get(format!("http://{}/", stranger.address())).header("x-forwarded-proto", "https")).await;
    assert_eq!(reply.header("strict-transport-security"), "", "anybody can say so");
    stranger.stop().await;
}
