//! Who is let in, and what the others are told.

use crate::world::{Reply, World, anna, ask, serve, undescribed};
use actix_web::HttpResponse;
use actix_web::test::TestRequest;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use web::{Admin, At, Caller, FreshCaller, Revoked};

async fn me(caller: Caller, again: Caller) -> HttpResponse {
    assert_eq!(caller, again);
    HttpResponse::Ok().json(json!({"id": caller.user_id, "admin": caller.is_admin(), "expires_at": caller.expires_at}))
}

async fn fresh(FreshCaller(caller): FreshCaller) -> HttpResponse {
    HttpResponse::Ok().json(json!({"id": caller.user_id}))
}

async fn admin(Admin(caller): Admin) -> HttpResponse {
    HttpResponse::Ok().json(json!({"id": caller.user_id}))
}

async fn get(world: &World, path: &str, authorization: &[&str]) -> Reply {
    let app = serve!(
        world,
        At::new("/me").get(me, undescribed()),
        At::new("/fresh").get(fresh, undescribed()),
        At::new("/admin").get(admin, undescribed())
    );
    let mut request = TestRequest::get().uri(path);
    for value in authorization {
        request = request.append_header(("authorization", *value));
    }
    ask(&app, request.to_request()).await
}

#[actix_web::test]
async fn a_good_token_says_who_is_calling() {
    let world = World::new().await;
    let token = world.token(anna());
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let reply = get(&world, "/me", &[&format!("{scheme} {token}")]).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.body, json!({"id": anna(), "admin": false, "expires_at": "2026-01-02T03:14:05Z"}));
    }
}

#[actix_web::test]
async fn without_credentials_the_challenge_names_no_error() {
    let world = World::new().await;
    let token = world.token(anna());
    for authorization in [&[][..], &["Basic YTpi"], &[token.as_str()], &[""]] {
        let reply = get(&world, "/me", authorization).await;
        assert_eq!(reply.problem(), (401, "unauthorized"), "{authorization:?}");
        assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
    }
    let in_query = get(&world, &format!("/me?access_token={token}"), &[]).await;
    assert_eq!(in_query.problem(), (401, "unauthorized"));
}

#[actix_web::test]
async fn a_bad_token_is_told_in_one_way() {
    let world = World::new().await;
    let bearer = format!("Bearer {}", world.token(anna()));
    let mut bodies = Vec::new();
    for authorization in [&["Bearer x"][..], &["Bearer"], &["Bearer "], &[&bearer, &bearer], &[&format!("{bearer} x")]]
    {
        let mut reply = get(&world, "/me", authorization).await;
        assert_eq!(reply.problem(), (401, "invalid_token"), "{authorization:?}");
        assert_eq!(reply.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
        reply.body.as_object_mut().unwrap().remove("request_id");
        bodies.push(reply.body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
}

#[actix_web::test]
async fn a_user_is_not_an_administrator() {
    let world = World::new().await;
    let user = get(&world, "/admin", &[&format!("Bearer {}", world.token(anna()))]).await;
    assert_eq!(user.problem(), (403, "insufficient_scope"));
    assert_eq!(user.header("www-authenticate"), Some("Bearer error=\"insufficient_scope\""));
    assert_eq!(get(&world, "/admin", &[]).await.problem(), (401, "unauthorized"));
    let admin = get(&world, "/admin", &[&format!("Bearer {}", world.admin_token(anna()))]).await;
    assert_eq!(admin.status, 200);
}

#[actix_web::test]
async fn nobody_is_let_in_before_keys_are_loaded() {
    let world = World::unloaded();
    let bearer = format!("Bearer {}", world.token(anna()));
    let reply = get(&world, "/me", &[&bearer]).await;
    assert_eq!(reply.problem(), (503, "unavailable"));
    assert_eq!(reply.header("retry-after"), Some("1"));
    assert_eq!(get(&world, "/me", &[]).await.problem(), (401, "unauthorized"));
}

#[actix_web::test]
async fn a_silent_source_closes_the_sensitive_routes_only() {
    tokio::time::pause();
    let world = World::new().await;
    let user = format!("Bearer {}", world.token(anna()));
    let admin = format!("Bearer {}", world.admin_token(anna()));
    assert_eq!(get(&world, "/fresh", &[&user]).await.status, 200);
    tokio::time::advance(Duration::from_secs(31)).await;
    assert_eq!(get(&world, "/me", &[&user]).await.status, 200);
    assert_eq!(get(&world, "/fresh", &[&user]).await.problem(), (503, "unavailable"));
    assert_eq!(get(&world, "/admin", &[&admin]).await.problem(), (503, "unavailable"));
    assert_eq!(get(&world, "/admin", &[&user]).await.problem(), (403, "insufficient_scope"));
    world.load().await;
    assert_eq!(get(&world, "/fresh", &[&user]).await.status, 200);
}

#[actix_web::test]
async fn a_follower_hears_at_once_and_after_a_second_and_survives_a_failing_source() {
    tokio::time::pause();
    let world = World::unloaded();
    let verifier = world.verifier.clone().into_inner();
    let source = Arc::clone(&world.source);
    let following = actix_web::rt::spawn(Arc::clone(&verifier).follow(source));
    let claims = world.claims(anna());
    let token = world.sign(&claims);
    // Waiting lets the paused clock run on to the next poll.
    let next_poll = async |count: i32| {
        let seen = world.source.asked.load(Ordering::SeqCst);
        while world.source.asked.load(Ordering::SeqCst) < seen + count {
            tokio::time::advance(Duration::from_millis(100)).await;
            tokio::task::yield_now().await;
        }
        tokio::task::yield_now().await;
    };
    next_poll(1).await;
    assert!(verifier.verify(&token).is_ok());

    let until = "2026-01-02T04:00:00Z".parse().unwrap();
    let revocation = web::Revocation { n: 1, revoked: Revoked::Session(claims.sid), until };
    world.source.revocations.lock().unwrap().push(revocation);
    world.source.changed.notify_waiters();
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert!(verifier.verify(&token).is_err(), "told, the follower asks at once and not at the next poll");

    world.source.silent.store(true, Ordering::SeqCst);
    next_poll(40).await;
    assert!(verifier.is_stale());
    world.source.silent.store(false, Ordering::SeqCst);
    next_poll(1).await;
    assert!(!verifier.is_stale());
    following.abort();
}
