//! What the layers around the routes do to every answer.

use crate::world::{Reply, World, ask, serve, undescribed};
use actix_web::http::{Method, StatusCode, header};
use actix_web::test::TestRequest;
use actix_web::web::{Data, Json, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use db::DbError;
use serde::Deserialize;
use std::collections::HashSet;
use web::{At, Edge, Problem, ProblemCode};

#[derive(Deserialize)]
struct Inner {
    #[expect(dead_code, reason = "only its presence matters")]
    n: u32,
}

async fn fine() -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'self'")).body("\"fine\"")
}

async fn panics() -> HttpResponse {
    panic!("a secret of the inside")
}

async fn plain_text(request: HttpRequest) -> HttpResponse {
    let status = request.match_info().query("status").parse().unwrap();
    HttpResponse::build(StatusCode::from_u16(status).unwrap())
        .insert_header(("x-kept", "1"))
        .body("a secret of the inside")
}

async fn database(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let secret = || "a secret of the inside".to_owned();
    Err(Problem::from(match request.match_info().query("error") {
        "busy" => DbError::Busy,
        "unavailable" => DbError::Unavailable(secret()),
        "unknown" => DbError::Unknown(secret()),
        "unique" => DbError::Unique { constraint: secret() },
        "conflict" => DbError::Conflict,
        "deadline" => DbError::Deadline,
        "no_row" => DbError::NoRowChanged(secret()),
        "decode" => DbError::Decode(secret()),
        _ => DbError::Statement(secret()),
    }))
}

async fn actix_json(_: Json<Inner>) -> HttpResponse {
    HttpResponse::Ok().finish()
}

async fn actix_query(_: Query<Inner>) -> HttpResponse {
    HttpResponse::Ok().finish()
}

async fn actix_path(_: Path<u32>) -> HttpResponse {
    HttpResponse::Ok().finish()
}

async fn foreign() -> HttpResponse {
    HttpResponse::Conflict().content_type("application/problem+json").body(r#"{"code":"of_another_service"}"#)
}

async fn send(request: TestRequest) -> Reply {
    send_to(&World::new().await, request).await
}

async fn send_to(world: &World, request: TestRequest) -> Reply {
    let app = serve!(
        world,
        At::new("/fine").get(fine, undescribed()).post(fine, undescribed()).delete(fine, undescribed()),
        At::new("/panics").get(panics, undescribed()),
        At::new("/plain/{status}").get(plain_text, undescribed()),
        At::new("/database/{error}").get(database, undescribed()),
        At::new("/json").post(actix_json, undescribed()),
        At::new("/query").get(actix_query, undescribed()),
        At::new("/path/{n}").get(actix_path, undescribed()),
        At::new("/foreign").get(foreign, undescribed()),
    );
    ask(&app, request.to_request()).await
}

async fn get(path: &str) -> Reply {
    send(TestRequest::get().uri(path)).await
}

#[actix_web::test]
async fn an_unknown_address_is_404_and_says_which() {
    let reply = get("/nothing/here?x=1").await;
    assert_eq!(reply.problem(), (404, "not_found"));
    assert_eq!(reply.body["instance"], "/nothing/here");
    for path in ["//fine", "/fine/", "/fine;x", "/fine%2f", "/%66ine/x"] {
        assert_eq!(get(path).await.problem(), (404, "not_found"), "{path}");
    }
}

#[actix_web::test]
async fn an_unknown_method_is_405_with_allow_and_head_is_get() {
    for method in ["PUT", "PATCH", "OPTIONS", "TRACE", "FOO"] {
        let reply = send(TestRequest::with_uri("/fine").method(Method::from_bytes(method.as_bytes()).unwrap())).await;
        assert_eq!(reply.problem(), (405, "method_not_allowed"), "{method}");
        assert_eq!(reply.header("allow"), Some("GET, HEAD, POST, DELETE"));
    }
    assert_eq!(send(TestRequest::with_uri("/fine").method(Method::HEAD)).await.status, 200);
    let reply = send(TestRequest::with_uri("/json").method(Method::HEAD)).await;
    assert_eq!((reply.status, reply.header("allow")), (405, Some("POST")));
}

#[actix_web::test]
async fn a_panic_is_500_and_tells_nothing() {
    let reply = get("/panics").await;
    assert_eq!(reply.problem(), (500, "internal"));
    assert!(!reply.body.to_string().contains("secret"));
    assert_eq!(reply.body["instance"], "/panics");
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
}

#[actix_web::test]
async fn any_other_refusal_becomes_a_problem_and_keeps_its_headers() {
    for (status, code) in [
        (400, "bad_request"),
        (401, "unauthorized"),
        (403, "forbidden"),
        (408, "request_timeout"),
        (409, "conflict"),
        (413, "payload_too_large"),
        (414, "uri_too_long"),
        (429, "rate_limited"),
        (431, "headers_too_large"),
        (500, "internal"),
        (502, "bad_gateway"),
        (503, "unavailable"),
        (504, "timeout"),
    ] {
        let reply = get(&format!("/plain/{status}")).await;
        assert_eq!(reply.problem(), (status, code));
        assert!(!reply.body.to_string().contains("secret"));
        assert_eq!(reply.header("x-kept"), Some("1"));
    }
    assert_eq!(get("/plain/418").await.problem(), (400, "bad_request"));
    let foreign = get("/foreign").await;
    assert_eq!((foreign.status, &foreign.body["code"]), (409, &"of_another_service".into()));
}

#[actix_web::test]
async fn a_failing_database_says_whether_to_come_again_and_nothing_else() {
    for (error, status, code) in [
        ("busy", 503, "unavailable"),
        ("unavailable", 503, "unavailable"),
        ("conflict", 503, "unavailable"),
        ("deadline", 503, "unavailable"),
        ("unknown", 503, "outcome_unknown"),
        ("unique", 500, "internal"),
        ("no_row", 500, "internal"),
        ("decode", 500, "internal"),
        ("statement", 500, "internal"),
    ] {
        let reply = get(&format!("/database/{error}")).await;
        assert_eq!(reply.problem(), (status, code), "{error}");
        assert!(!reply.body.to_string().contains("secret"), "{error}");
        assert_eq!(reply.header("retry-after"), (status == 503).then_some("1"), "{error}");
    }
}

#[actix_web::test]
async fn the_frameworks_own_extractors_refuse_with_problems() {
    let json = |body: &'static str| {
        TestRequest::post().uri("/json").insert_header(("content-type", "application/json")).set_payload(body)
    };
    assert_eq!(send(json("{")).await.problem(), (400, "bad_request"));
    assert_eq!(send(json("{}")).await.status, 400);
    let large = json("").set_payload(vec![b' '; 256 * 1024 + 1]);
    assert_eq!(send(large).await.problem(), (413, "payload_too_large"));
    assert_eq!(get("/query?n=x").await.problem(), (400, "bad_request"));
    assert_eq!(get("/path/x").await.problem(), (404, "not_found"));
}

#[actix_web::test]
async fn every_answer_has_the_headers_and_what_a_handler_set_stays() {
    for path in ["/fine", "/nothing", "/panics", "/plain/503"] {
        let reply = get(path).await;
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(reply.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert_eq!(reply.header("cross-origin-resource-policy"), Some("same-origin"), "{path}");
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(reply.header("vary"), Some("Origin"), "{path}");
        assert_eq!(reply.header("strict-transport-security"), None, "{path}");
        assert!(reply.header("server-timing").unwrap().starts_with("app;dur="), "{path}");
        let policy = if path == "/fine" { "default-src 'self'" } else { "default-src 'none'; frame-ancestors 'none'" };
        assert_eq!(reply.header("content-security-policy"), Some(policy), "{path}");
    }
    let mut world = World::new().await;
    world.edge = Data::new(Edge { tls: true, ..Edge::default() });
    let reply = send_to(&world, TestRequest::get().uri("/fine")).await;
    assert_eq!(reply.header("strict-transport-security"), Some("max-age=31536000; includeSubDomains"));
}

#[actix_web::test]
async fn a_request_id_is_accepted_when_it_is_fit_for_a_log_and_made_otherwise() {
    let given = |id: &str| TestRequest::get().uri("/nothing").insert_header(("x-request-id", id));
    let longest = "x".repeat(128);
    for id in ["a", "Ab.9_-", &longest] {
        let reply = send(given(id)).await;
        assert_eq!(reply.header("x-request-id"), Some(id));
        assert_eq!(reply.body["request_id"], id);
    }
    for id in ["", "a b", "a/b", "ä", &"x".repeat(129)] {
        let reply = send(given(id)).await;
        let made = reply.header("x-request-id").unwrap();
        assert_eq!((made.len(), made.as_bytes()[14]), (36, b'7'), "a UUIDv7 for {id:?}, not {made}");
    }
    let twice = send(given("a").append_header(("x-request-id", "b"))).await;
    assert_eq!(twice.header("x-request-id").unwrap().len(), 36);
}

#[actix_web::test]
async fn a_trace_goes_on_with_a_span_of_ours() {
    let given = |trace: &str| TestRequest::get().uri("/fine").insert_header(("traceparent", trace));
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let reply = send(given(&format!("00-{trace}-b7ad6b7169203331-00"))).await;
    let answered = reply.header("traceparent").unwrap();
    let parts: Vec<&str> = answered.split('-').collect();
    assert_eq!((parts[0], parts[1], parts[3], parts[2].len()), ("00", trace, "00", 16));
    assert_ne!(parts[2], "b7ad6b7169203331");
    let mut traces = HashSet::new();
    let zero = "0".repeat(32);
    for bad in [
        String::new(),
        "x".to_owned(),
        format!("01-{trace}-b7ad6b7169203331-00"),
        format!("00-{zero}-b7ad6b7169203331-00"),
        format!("00-{trace}-0000000000000000-00"),
        format!("00-{}-b7ad6b7169203331-00", trace.to_uppercase()),
        format!("00-{trace}-b7ad6b7169203331-00-extra"),
    ] {
        let reply = send(given(&bad)).await;
        let answered = reply.header("traceparent").unwrap().to_owned();
        assert_eq!(answered.len(), 55);
        assert!(!answered.contains(trace), "{bad}");
        traces.insert(answered);
    }
    assert_eq!(traces.len(), 7);
}

#[test]
fn every_code_is_documented_once_and_is_a_refusal() {
    let names: HashSet<_> = ProblemCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(names.len(), ProblemCode::ALL.len());
    for code in ProblemCode::ALL {
        assert!(code.status().as_u16() >= 400 && !code.title().is_empty() && code.meaning().ends_with('.'), "{code:?}");
    }
}
