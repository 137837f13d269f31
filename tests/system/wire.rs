//! What a client can send that is no request, or more than one: each gets one answer, and reaches nobody else.

use std::time::Duration;
use testkit::{Heard, System, Topology, say};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

testkit::in_every_topology!(
    what_can_be_read_in_two_ways_is_refused_once_and_ends_the_connection,
    what_is_too_large_is_refused_and_ends_the_connection,
    a_broken_chunk_is_refused_once_and_nothing_is_made_of_what_came_before,
    a_method_that_an_address_does_not_have_is_told_which_it_has,
    no_spelling_of_an_address_leads_to_another_one,
    every_answer_has_the_security_headers,
    what_only_a_gateway_may_say_is_not_believed_of_a_client,
);

const TASKS: &str = "/api/v1/tasks";

async fn ask(system: &System, line: &str, headers: &str) -> Heard {
    say(system.address(), format!("{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n")).await
}

async fn what_can_be_read_in_two_ways_is_refused_once_and_ends_the_connection(topology: Topology) {
    let system = System::start(app::serve, topology).await;
    let rest = "0\r\n\r\nGET /health/live HTTP/1.1\r\nhost: x\r\n\r\n";
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
        "host: x\r\ntransfer-encoding : chunked",
        "host: x\r\ntransfer-encoding:\x0bchunked",
        "host: x\r\nx-folded: a\r\n transfer-encoding: chunked",
        "host: x\r\nx-bare: a\rtransfer-encoding: chunked",
        "host: x\r\nx-bare: a\ntransfer-encoding: chunked",
        "host: x\ncontent-length: 5",
        "host: x\r\nhost: y",
        "x-no: host",
    ] {
        let heard = say(system.address(), format!("POST {TASKS} HTTP/1.1\r\n{head}\r\n\r\n{rest}")).await;
        assert_eq!((heard.status(), heard.answers(), heard.ended), (400, 1, true), "{head}: {}", heard.text);
    }
    for bare in ["GET /health/live HTTP/1.1\nhost: x\n\n", "\nGET /health/live HTTP/1.1\r\nhost: x\r\n\r\n"] {
        let heard = say(system.address(), format!("{bare}{rest}")).await;
        assert_eq!((heard.status(), heard.answers(), heard.ended), (400, 1, true), "{bare:?}: {}", heard.text);
    }
    let old = format!("POST {TASKS} HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n{rest}");
    let heard = say(system.address(), old).await;
    assert_eq!((heard.status(), heard.answers(), heard.ended), (400, 1, true), "HTTP/1.0: {}", heard.text);
    for chunks in
        ["5\nabcde\r\n0\r\n\r\n", "+5\r\nabcde\r\n0\r\n\r\n", "0x5\r\nabcde\r\n0\r\n\r\n", "5\r\nabcdeX\r\n0\r\n\r\n"]
    {
        let head = "host: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked";
        let heard = say(system.address(), format!("POST {TASKS} HTTP/1.1\r\n{head}\r\n\r\n{chunks}{rest}")).await;
        // Whoever waits for the body at that moment has no answer yet, and none comes: the connection is of no use.
        let refused = heard.text.is_empty() || matches!(heard.status(), 400 | 401);
        assert!(refused && heard.answers() <= 1 && heard.ended, "{chunks:?}: {}", heard.text);
        assert!(!heard.text.contains("\"healthy\""), "what follows is no request: {chunks:?}: {}", heard.text);
    }
    // A body, and behind it a head that is none: a server may take all of it for what is said to another one.
    let connect = format!("CONNECT {TASKS} HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n\n\n");
    let behind = "GET /health/live HTTP/1.1\nhost: x\r\n\r\n";
    let heard = say(system.address(), format!("{connect}{behind}")).await;
    assert!(heard.ended && !heard.text.contains("\"healthy\""), "{}", heard.text);
    assert_eq!(system.count("task", "SELECT count(*) FROM outbox").await, 0, "nothing was made");
}

async fn what_is_too_large_is_refused_and_ends_the_connection(topology: Topology) {
    let system = System::start(app::serve, topology).await;
    let anna = system.user("anna").await;
    let token = anna.token().unwrap();
    let anonymous = format!("POST {TASKS} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n");
    let post = format!("{anonymous}authorization: Bearer {token}\r\n");
    let too_much = 256 * 1024 + 1;
    let withheld = format!("{post}content-length: {too_much}\r\n\r\n").into_bytes();
    let known = [withheld.clone(), vec![b' '; too_much]].concat();
    let mut chunked = format!("{post}transfer-encoding: chunked\r\n\r\n").into_bytes();
    for _ in 0..257 {
        chunked.extend(b"400\r\n");
        chunked.extend([b' '; 1024]);
        chunked.extend(b"\r\n");
    }
    chunked.extend(b"0\r\n\r\n");
    // Nobody looks at a token first, and nobody at the address: it is the same wherever that is served.
    let unknown = format!("{anonymous}content-length: {too_much}\r\n\r\n").into_bytes();
    let nowhere = format!("GET /nowhere HTTP/1.1\r\nhost: x\r\ncontent-length: {too_much}\r\n\r\n").into_bytes();
    for body in [withheld, known, chunked, unknown, nowhere] {
        let heard = say(system.address(), &body).await;
        assert_eq!((heard.status(), heard.answers(), heard.ended), (413, 1, true), "{}", heard.text);
        assert!(heard.text.contains("\"payload_too_large\""), "{}", heard.text);
        assert_eq!(heard.header("x-content-type-options"), Some("nosniff"));
    }
    let many: String = (0..97).map(|n| format!("x-{n}: 1\r\n")).collect();
    let long = format!("x-long: {}\r\n", "x".repeat(129 * 1024));
    let address = format!("GET {TASKS}?q={}", "x".repeat(64 * 1024));
    for (line, headers) in [("GET /health/live", many.as_str()), ("GET /health/live", &long), (&address, "")] {
        let heard = ask(&system, line, headers).await;
        assert!(matches!(heard.status(), 400 | 414 | 431) && heard.ended, "{line:.30} {headers:.30}: {}", heard.text);
        assert_eq!(heard.answers(), 1);
    }
    assert_eq!(system.count("task", "SELECT count(*) FROM outbox").await, 0, "nothing was made");
}

async fn a_broken_chunk_is_refused_once_and_nothing_is_made_of_what_came_before(topology: Topology) {
    let system = System::start(app::serve, topology).await;
    let anna = system.user("anna").await;
    system.settle().await;
    let before = system.count("task", "SELECT count(*) FROM outbox").await;
    let head = format!(
        "POST {TASKS} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n",
        anna.token().unwrap()
    );
    for chunks in ["f\r\n{\"title\":\"One\"}\r\nx\r\n", "f\r\n{\"title\":\"One\"}X\r\n0\r\n\r\n", "x\r\n"] {
        let whole = format!("{head}{chunks}");
        for together in [true, false] {
            let mut connection = TcpStream::connect(system.address()).await.unwrap();
            connection.write_all(if together { whole.as_bytes() } else { head.as_bytes() }).await.unwrap();
            if !together {
                // By then whoever reads the body waits for it.
                let mut early = Vec::new();
                let silence = timeout(Duration::from_millis(100), connection.read_buf(&mut early)).await;
                assert!(silence.is_err(), "{}", String::from_utf8_lossy(&early));
                connection.write_all(chunks.as_bytes()).await.unwrap();
            }
            let heard = Heard::on(&mut connection).await;
            assert_eq!((heard.status(), heard.answers(), heard.ended), (400, 1, true), "{chunks:?}: {}", heard.text);
            assert!(heard.text.contains("\"bad_request\""), "{chunks:?}: {}", heard.text);
        }
    }
    assert_eq!(system.count("task", "SELECT count(*) FROM outbox").await, before, "nothing was made");
}

async fn a_method_that_an_address_does_not_have_is_told_which_it_has(topology: Topology) {
    let system = System::start(app::serve, topology).await;
    for method in ["TRACE", "CONNECT", "FOO", "OPTIONS"] {
        for (path, allowed) in [(TASKS, "GET, HEAD, POST"), ("/health/live", "GET, HEAD")] {
            let heard = ask(&system, &format!("{method} {path}"), "x-secret: canary\r\n").await;
            assert_eq!(
                (heard.status(), heard.header("allow")),
                (405, Some(allowed)),
                "{method} {path}: {}",
                heard.text
            );
            assert!(heard.text.contains("\"method_not_allowed\"") && !heard.text.contains("canary"), "{}", heard.text);
        }
    }
    let (get, head) = (ask(&system, "GET /docs/errors", "").await, ask(&system, "HEAD /docs/errors", "").await);
    assert_eq!((get.status(), head.status()), (200, 200));
    assert_eq!(head.header("content-length"), get.header("content-length"));
    assert!(head.text.ends_with("\r\n\r\n"), "without a body: {}", head.text);
}

async fn no_spelling_of_an_address_leads_to_another_one(topology: Topology) {
    let system = System::start(app::serve, topology).await;
    let anna = system.user("anna").await;
    let bearer = format!("authorization: Bearer {}\r\n", anna.token().unwrap());
    for path in [
        "//api//v1/tasks",
        "/api/v1//tasks",
        "/api/v1/tasks/",
        "/api/v1/tasks;x=1",
        "/api/v1/tasks%00",
        "/api/v1/tasks%2f",
        "/api/v1/tasks/..%2fusers/me",
        "/api/v1/tasks/../users/me",
        "/api/v1/tasks/%2e%2e/users/me",
        "/api/v1/tasks/.%2E/users/me",
        "/api/v1/tasks\\..\\users\\me",
        "/API/V1/TASKS",
        "/health/../api/v1/users/me",
        "/internal/revocations",
        "/internal/revocations?after=0",
        "//internal/revocations",
        "/%69nternal/revocations",
        "/api/v1/tasks/../../../internal/revocations",
    ] {
        for headers in ["", bearer.as_str()] {
            let heard = ask(&system, &format!("GET {path}"), headers).await;
            let refused = matches!(heard.status(), 404 | 400) || (heard.status() == 401 && headers.is_empty());
            assert!(refused, "{path}: {}", heard.text);
            assert!(
                !heard.text.contains("\"username\"") && !heard.text.contains("\"items\""),
                "{path}: {}",
                heard.text
            );
        }
    }
    let heard = ask(&system, &format!("GET {TASKS}"), &bearer).await;
    assert_eq!(heard.status(), 200, "the address itself is there: {}", heard.text);
}

const EXPECTED: [(&str, &str); 5] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("vary", "Origin"),
    ("content-security-policy", "default-src 'none'"),
];

/// What the parser answers before there is a request; the 408 to a first head that never ends is like it. No layer
/// sees these answers: they have a status and no body, and the connection ends with them. There are no others.
fn answered_outside() -> Vec<(String, u16)> {
    let begun = "GET /health/live HTTP/1.1\r\nhost: x\r\n";
    let many: String = (0..97).map(|n| format!("x-{n}: 1\r\n")).collect();
    vec![
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("NO HTTP\r\n\r\n".to_owned(), 400),
        (format!("{begun}x: y\n\r\n"), 400),
        (format!("{begun}x-long: {}\r\n\r\n", "x".repeat(129 * 1024)), 431),
        (format!("{begun}{many}\r\n"), 431),
    ]
}

async fn every_answer_has_the_security_headers(topology: Topology) {
    let system = System::start(app::serve, topology).await;
    let anna = system.user("anna").await;
    let bearer = format!("authorization: Bearer {}\r\n", anna.token().unwrap());
    for (line, headers, status) in [
        ("GET /", String::new(), 200),
        ("GET /", "accept: text/html\r\n".to_owned(), 303),
        ("GET /docs", String::new(), 200),
        ("GET /docs/errors", String::new(), 200),
        ("GET /health", String::new(), 200),
        ("GET /health/live", String::new(), 200),
        ("GET /metrics", String::new(), 401),
        ("GET /.well-known/jwks.json", String::new(), 200),
        ("GET /nowhere", String::new(), 404),
        ("GET /internal/revocations", String::new(), 404),
        ("GET /api/v1/tasks", String::new(), 401),
        ("GET /api/v1/tasks", bearer.clone(), 200),
        ("GET /api/v1/users/me", bearer.clone(), 200),
        ("GET /api/v1/users/me", format!("{bearer}if-none-match: \"v1\"\r\n"), 304),
        ("GET /api/v1/users", bearer.clone(), 403),
        ("GET /api/v1/tasks?x=1", bearer.clone(), 400),
        ("DELETE /api/v1/tasks", bearer.clone(), 405),
        ("POST /api/v1/tasks", format!("{bearer}content-length: 0\r\n"), 415),
        ("POST /api/v1/auth/logout", format!("{bearer}content-length: 0\r\n"), 204),
    ] {
        let heard = ask(&system, line, &headers).await;
        assert_eq!(heard.status(), status, "{line}: {}", heard.text);
        for (name, expected) in EXPECTED {
            let value = heard.header(name).unwrap_or_default();
            assert!(value.contains(expected), "{line} {status}: {name} is {value:?}");
        }
        assert!(heard.header("cache-control").is_some() && heard.header("x-request-id").is_some(), "{}", heard.text);
        for absent in ["server", "x-powered-by", "strict-transport-security", "access-control-allow-origin"] {
            assert_eq!(heard.header(absent), None, "{line}");
        }
        let policy = heard.header("content-security-policy").unwrap();
        // The page of Swagger UI writes styles as it draws; no page has scripts of its own in it.
        let strict = if line == "GET /docs" {
            policy.replace("style-src 'self' 'unsafe-inline';", "")
        } else {
            policy.to_owned()
        };
        assert!(strict.contains("frame-ancestors 'none'") && !strict.contains("unsafe"), "{line}: {policy}");
        let problem = heard.header("content-type") == Some("application/problem+json");
        assert_eq!(problem, status >= 400, "{line}: {}", heard.text);
    }
    for (request, status) in answered_outside() {
        let heard = say(system.address(), &request).await;
        assert_eq!((heard.status(), heard.answers(), heard.ended), (status, 1, true), "{request:.60?}: {}", heard.text);
        let said: Vec<&str> =
            heard.text.trim_end().lines().skip(1).filter_map(|line| Some(line.split_once(": ")?.0)).collect();
        assert!(said.iter().all(|name| ["content-length", "connection", "date"].contains(name)), "{}", heard.text);
        assert_eq!(heard.header("content-length"), Some("0"), "it says nothing at all: {}", heard.text);
    }
}

async fn what_only_a_gateway_may_say_is_not_believed_of_a_client(topology: Topology) {
    let system = System::start(app::serve, topology).await;
    let anna = system.user("anna").await;
    let id = anna.id().to_string();
    let mut everywhere = vec![system.anonymous()];
    everywhere.extend(topology.processes.iter().map(|part| system.at(part.name)));
    for client in everywhere {
        let mut forging = client.with("x-user-role", "admin").with("x-internal-token", "x");
        for name in ["x-user-id", "x_user_id", "x.user.id", "x-forwarded-user"] {
            forging = forging.with(name, &id);
        }
        for path in [TASKS, "/api/v1/users/me", "/api/v1/notifications"] {
            let reply = forging.get(path).await;
            // A service that serves another domain does not know the address at all.
            match reply.status {
                404 => drop(reply.expect_problem(404, "domain_absent")),
                _ => drop(reply.expect_problem(401, "unauthorized")),
            }
        }
    }
}
