//! What scripts of other origins may do.

use crate::world::{World, ask, serve, undescribed};
use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::test::TestRequest;
use actix_web::web::Data;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use web::{At, Caller, Edge, Limiter, Origins, Quota};

const GOOD: &str = "https://good";

async fn secret(_: Caller) -> HttpResponse {
    HttpResponse::Ok().body("\"secret\"")
}

async fn allowing() -> World {
    let mut world = World::new().await;
    let origins = Origins::new(vec![GOOD.to_owned(), "http://127.0.0.1:5173".to_owned()]);
    world.edge = Data::new(Edge { cors_origins: origins, ..Edge::default() });
    world
}

fn get(origin: &str) -> TestRequest {
    TestRequest::get().uri("/secret").insert_header(("Origin", origin.to_owned()))
}

fn preflight(origin: &str) -> TestRequest {
    TestRequest::default()
        .method(Method::OPTIONS)
        .uri("/secret")
        .insert_header(("Origin", origin.to_owned()))
        .insert_header(("Access-Control-Request-Method", "GET"))
        .insert_header(("Access-Control-Request-Headers", "authorization"))
}

const PERMISSIONS: [&str; 6] = [
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-expose-headers",
    "access-control-max-age",
];

#[actix_web::test]
async fn a_named_origin_is_told_back_also_in_a_refusal() {
    let world = allowing().await;
    let app = serve!(world, At::new("/secret").get(secret, undescribed()));
    for origin in [GOOD, "http://127.0.0.1:5173"] {
        let reply = ask(&app, get(origin).to_request()).await;
        assert_eq!(reply.problem(), (401, "unauthorized"));
        assert_eq!(reply.header("access-control-allow-origin"), Some(origin));
        assert_eq!(reply.header("vary"), Some("Origin"));
        let exposed = reply.header("access-control-expose-headers").unwrap();
        for name in
            ["ETag", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id", "Idempotency-Replayed"]
        {
            assert!(exposed.split(", ").any(|one| one == name), "{name}: {exposed}");
        }
        assert_eq!(reply.header("access-control-allow-credentials"), None);
    }
}

#[actix_web::test]
async fn nobody_else_is_permitted_anything() {
    let world = allowing().await;
    let app = serve!(world, At::new("/secret").get(secret, undescribed()));
    for origin in
        ["https://evil", "null", "https://good.evil", "http://good", "https://good:8443", "https://GOOD", "*", "", GOOD]
    {
        for request in [get(origin), preflight(origin)] {
            let twice = origin == GOOD;
            let request = if twice { request.append_header(("Origin", "https://evil")) } else { request };
            let reply = ask(&app, request.to_request()).await;
            assert!(reply.status == 401 || reply.status == 405, "{origin}: {reply:?}");
            for permission in PERMISSIONS {
                assert_eq!(reply.header(permission), None, "{origin}");
            }
            assert_eq!(reply.header("vary"), Some("Origin"), "{origin}");
        }
    }
}

#[actix_web::test]
async fn by_default_there_is_no_permission_at_all() {
    let world = World::new().await;
    let app = serve!(world, At::new("/secret").get(secret, undescribed()));
    for request in [get(GOOD), preflight(GOOD)] {
        let reply = ask(&app, request.to_request()).await;
        assert!(reply.status == 401 || reply.status == 405, "{reply:?}");
        for permission in PERMISSIONS {
            assert_eq!(reply.header(permission), None);
        }
    }
}

#[actix_web::test]
async fn the_question_before_a_request_needs_no_token() {
    let world = allowing().await;
    let app = serve!(world, At::new("/secret").get(secret, undescribed()));
    let reply = ask(&app, preflight(GOOD).to_request()).await;
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (204, Some(GOOD)));
    let has = |header: &str, wanted: &str| reply.header(header).unwrap().split(", ").any(|one| one == wanted);
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
        assert!(has("access-control-allow-methods", method), "{method}");
    }
    for header in ["Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match"] {
        assert!(has("access-control-allow-headers", header), "{header}");
    }
    assert!(has("vary", "Origin") && has("vary", "Access-Control-Request-Method"));
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
}

#[actix_web::test]
async fn a_script_can_read_that_it_asks_too_often() {
    let mut world = allowing().await;
    let limiter = Limiter::new("default", Quota::new(2, Duration::from_secs(3600)).unwrap());
    let origins = world.edge.cors_origins.clone();
    world.edge = Data::new(Edge { rate_limit: Some(Arc::new(limiter)), cors_origins: origins, ..Edge::default() });
    let app = serve!(world, At::new("/secret").get(secret, undescribed()));
    let somebody = SocketAddr::from(([192, 0, 2, 1], 4711));
    assert_eq!(ask(&app, preflight(GOOD).peer_addr(somebody).to_request()).await.status, 204);
    assert_eq!(ask(&app, get(GOOD).peer_addr(somebody).to_request()).await.status, 401);
    let reply = ask(&app, get(GOOD).peer_addr(somebody).to_request()).await;
    assert_eq!(reply.problem(), (429, "rate_limited"));
    assert_eq!(reply.header("access-control-allow-origin"), Some(GOOD));
    assert!(reply.header("retry-after").is_some() && reply.header("ratelimit").is_some());
}
