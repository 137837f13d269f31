//! The limit of requests, and what is told of it.

use crate::world::{Reply, World, ask, serve, undescribed};
use actix_web::HttpResponse;
use actix_web::test::TestRequest;
use actix_web::web::Data;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use web::{At, Edge, Limiter, Quota, TrustedProxies};

async fn fine() -> HttpResponse {
    HttpResponse::Ok().body("\"fine\"")
}

/// A world in which each network may ask twice an hour, and 127.0.0.0/8 is a proxy of ours.
async fn twice() -> World {
    let mut world = World::new().await;
    let limiter = Limiter::new("default", Quota::new(2, Duration::from_secs(3600)).unwrap());
    world.edge = Data::new(Edge {
        rate_limit: Some(Arc::new(limiter)),
        trusted_proxies: TrustedProxies::parse("127.0.0.0/8").unwrap(),
        ..Edge::default()
    });
    world
}

fn from(peer: &str, path: &str) -> TestRequest {
    TestRequest::get().uri(path).peer_addr(SocketAddr::new(peer.parse().unwrap(), 4711))
}

fn is_refused(reply: &Reply) -> bool {
    match reply.status {
        200 => false,
        429 => {
            assert_eq!(reply.problem(), (429, "rate_limited"));
            true
        }
        other => panic!("{other}"),
    }
}

#[actix_web::test]
async fn every_answer_tells_what_is_left_and_a_refusal_when_to_come_again() {
    let world = twice().await;
    let app = serve!(world, At::new("/fine").get(fine, undescribed()));
    for (path, status, left) in [("/fine", 200, "\"default\";r=1;t=1800"), ("/nowhere", 404, "\"default\";r=0;t=")] {
        let reply = ask(&app, from("192.0.2.1", path).to_request()).await;
        assert_eq!(reply.status, status);
        assert_eq!(reply.header("ratelimit-policy"), Some("\"default\";q=2;w=3600"));
        assert!(reply.header("ratelimit").unwrap().starts_with(left), "{reply:?}");
    }
    let reply = ask(&app, from("192.0.2.1", "/fine").to_request()).await;
    assert!(is_refused(&reply));
    assert_eq!(reply.body["instance"], "/fine");
    let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((1790..=1800).contains(&wait), "{wait}");
    assert_eq!(reply.header("ratelimit"), Some(format!("\"default\";r=0;t={wait}").as_str()));
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
}

#[actix_web::test]
async fn without_a_limit_nothing_is_told_of_one() {
    let world = World::new().await;
    let app = serve!(world, At::new("/fine").get(fine, undescribed()));
    let reply = ask(&app, from("192.0.2.1", "/fine").to_request()).await;
    assert_eq!((reply.status, reply.header("ratelimit"), reply.header("ratelimit-policy")), (200, None, None));
}

#[actix_web::test]
async fn whoever_looks_after_the_process_is_not_counted() {
    let world = twice().await;
    let app = serve!(
        world,
        At::new("/health").get(fine, undescribed()),
        At::new("/health/live").get(fine, undescribed()),
        At::new("/metrics").get(fine, undescribed()),
        At::new("/internal/revocations").get(fine, undescribed()),
        At::new("/healthy").get(fine, undescribed())
    );
    for path in ["/health", "/health/live", "/metrics", "/internal/revocations", "/health?verbose=true"] {
        for _ in 0..3 {
            let reply = ask(&app, from("192.0.2.1", path).to_request()).await;
            assert_eq!((reply.status, reply.header("ratelimit")), (200, None), "{path}");
        }
    }
    let refused = [ask(&app, from("192.0.2.1", "/healthy").to_request()).await]
        .into_iter()
        .map(|reply| reply.header("ratelimit").map(str::to_owned));
    assert!(refused.flatten().next().is_some(), "what only begins alike is counted");
}

#[actix_web::test]
async fn headers_of_a_stranger_do_not_make_somebody_else_of_it() {
    let world = twice().await;
    let app = serve!(world, At::new("/fine").get(fine, undescribed()));
    let mut refused = 0;
    for n in 0..50 {
        let request = from("192.0.2.1", "/fine")
            .insert_header(("X-Forwarded-For", format!("198.51.100.{n}")))
            .insert_header(("Forwarded", format!("for=198.51.100.{n}")))
            .insert_header(("X-Real-IP", format!("198.51.100.{n}")));
        refused += u32::from(is_refused(&ask(&app, request.to_request()).await));
    }
    assert_eq!(refused, 48);
}

#[actix_web::test]
async fn behind_a_proxy_of_ours_the_last_foreign_hop_counts() {
    let world = twice().await;
    let app = serve!(world, At::new("/fine").get(fine, undescribed()));
    let through = |forwarded: &str| {
        from("127.0.0.1", "/fine").insert_header(("X-Forwarded-For", forwarded.to_owned())).to_request()
    };
    for _ in 0..2 {
        assert!(!is_refused(&ask(&app, through("203.0.113.5")).await));
    }
    for spelled in ["203.0.113.5", "::ffff:203.0.113.5", "1.2.3.4, 203.0.113.5", "203.0.113.5, 127.0.0.9"] {
        assert!(is_refused(&ask(&app, through(spelled)).await), "{spelled}");
    }
    assert!(!is_refused(&ask(&app, through("203.0.113.6")).await), "a neighbour is somebody else");
}

#[actix_web::test]
async fn the_addresses_of_one_ipv6_network_share_what_it_may() {
    let world = twice().await;
    let app = serve!(world, At::new("/fine").get(fine, undescribed()));
    let mut refused = 0;
    for host in 0..1000 {
        let request = from(&format!("2001:db8:1:2::{host:x}"), "/fine");
        refused += u32::from(is_refused(&ask(&app, request.to_request()).await));
    }
    assert_eq!(refused, 998);
    assert!(!is_refused(&ask(&app, from("2001:db8:1:3::1", "/fine").to_request()).await));
}

#[actix_web::test]
async fn all_workers_count_together() {
    let world = twice().await;
    let first = serve!(world, At::new("/fine").get(fine, undescribed()));
    let second = serve!(world, At::new("/fine").get(fine, undescribed()));
    assert!(!is_refused(&ask(&first, from("192.0.2.1", "/fine").to_request()).await));
    assert!(!is_refused(&ask(&second, from("192.0.2.1", "/fine").to_request()).await));
    assert!(is_refused(&ask(&first, from("192.0.2.1", "/fine").to_request()).await));
    assert!(is_refused(&ask(&second, from("192.0.2.1", "/fine").to_request()).await));
}
