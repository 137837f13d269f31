//! The idempotency key: one effect and one answer for each, as long as it is known.

use super::*;
use crate::world::ben;
use chrono::TimeDelta;
use web::purge_idempotency;

#[actix_web::test]
async fn the_second_request_with_a_key_gets_the_first_ones_answer() {
    let shop = Shop::new().await;
    let first = shop.send(shop.post(Some("k"), &json!({"note": "x"}))).await;
    let second = shop.send(shop.post(Some("k"), &json!({"note": "x"}))).await;
    assert_eq!((first.status, first.header("idempotency-replayed")), (201, None));
    assert_eq!((second.status, second.header("idempotency-replayed")), (201, Some("true")));
    for header in ["location", "etag", "content-type"] {
        assert_eq!(first.header(header), second.header(header), "{header}");
    }
    assert_eq!(first.body, second.body);
    assert_eq!(shop.counters().await, 1);
}

#[actix_web::test]
async fn one_key_belongs_to_one_body_of_one_caller_at_one_address() {
    let shop = Shop::new().await;
    assert_eq!(shop.send(shop.post(Some("k"), &json!({}))).await.status, 201);
    let other_body = shop.send(shop.post(Some("k"), &json!({"note": null}))).await;
    assert_eq!(other_body.problem(), (422, "idempotency_key_reused"));
    assert_eq!(shop.counters().await, 1);
    let other_caller = TestRequest::post().uri("/counters").insert_header(("idempotency-key", "k")).set_json(json!({}));
    let bearer = format!("Bearer {}", shop.world.token(ben()));
    let reply = shop.send(other_caller.insert_header(("authorization", bearer))).await;
    assert_eq!((reply.status, reply.header("idempotency-replayed")), (201, None));
    let other_path = shop.request(TestRequest::post().uri("/others"), Some("k")).set_json(json!({}));
    let reply = shop.send(other_path).await;
    assert_eq!((reply.status, reply.header("idempotency-replayed")), (201, None));
    assert_eq!(shop.counters().await, 3);
}

#[actix_web::test]
async fn what_wrote_nothing_runs_again() {
    let shop = Shop::new().await;
    for _ in 0..2 {
        let reply = shop.send(shop.post(Some("k"), &json!({"refuse": true}))).await;
        assert_eq!((reply.problem(), reply.header("idempotency-replayed")), ((409, "conflict"), None));
    }
    assert_eq!((shop.counters().await, shop.records().await.len()), (0, 0));
    assert_eq!(shop.send(shop.post(Some("k"), &json!({}))).await.status, 201);
}

#[actix_web::test]
async fn many_at_once_with_one_key_write_once() {
    let shop = Shop::new().await;
    let app = shop!(shop);
    let requests = (0..20).map(|_| ask(&app, shop.post(Some("k"), &json!({})).to_request()));
    let replies = futures_util::future::join_all(requests).await;
    assert!(replies.iter().all(|reply| reply.status == 201 && reply.body == replies[0].body), "{replies:?}");
    let fresh = replies.iter().filter(|reply| reply.header("idempotency-replayed").is_none()).count();
    assert_eq!((fresh, shop.counters().await), (1, 1));
}

#[actix_web::test]
async fn a_key_is_forgotten_after_a_day_with_or_without_the_clean_up() {
    let shop = Shop::new().await;
    assert_eq!(shop.send(shop.post(Some("k"), &json!({}))).await.status, 201);
    shop.world.clock.advance(TimeDelta::hours(24) - TimeDelta::seconds(1));
    let within = shop.send(shop.post(Some("k"), &json!({}))).await;
    assert_eq!(within.header("idempotency-replayed"), Some("true"));
    shop.world.clock.advance(TimeDelta::seconds(1));
    let after = shop.send(shop.post(Some("k"), &json!({"note": "another body"}))).await;
    assert_eq!((after.status, after.header("idempotency-replayed")), (201, None));
    assert_eq!((shop.counters().await, shop.records().await.len()), (2, 1));
    assert_eq!(purge_idempotency(&shop.db, shop.world.clock.now()).await.unwrap(), 0, "not yet a day old");
    let tomorrow = shop.world.clock.now() + TimeDelta::seconds(1);
    assert_eq!(purge_idempotency(&shop.db, tomorrow).await.unwrap(), 1);
    assert_eq!(shop.records().await.len(), 0);
}

#[actix_web::test]
async fn a_malformed_key_is_400_and_put_and_delete_do_not_look_at_it() {
    let shop = Shop::new().await;
    for key in ["", "a b", "ä", &"x".repeat(256)] {
        let reply = shop.send(shop.post(Some(key), &json!({}))).await;
        assert_eq!(reply.problem(), (400, "invalid_header"), "{key:?}");
    }
    let twice = shop.post(Some("a"), &json!({})).append_header(("idempotency-key", "b"));
    assert_eq!(shop.send(twice).await.problem(), (400, "invalid_header"));
    assert_eq!(shop.counters().await, 0);
    let created = shop.send(shop.post(Some(&"x".repeat(255)), &json!({}))).await;
    let path = created.header("location").unwrap().to_owned();
    for version in 2..4 {
        let put = shop.send(shop.request(TestRequest::put().uri(&path), Some("k"))).await;
        assert_eq!((put.status, &put.body["version"]), (200, &json!(version)));
    }
    assert_eq!(shop.send(shop.request(TestRequest::delete().uri(&path), Some("a b"))).await.status, 204);
}

#[actix_web::test]
async fn a_patch_with_a_key_counts_once() {
    let shop = Shop::new().await;
    let path = shop.send(shop.post(None, &json!({}))).await.header("location").unwrap().to_owned();
    for replayed in [None, Some("true")] {
        let reply = shop.send(shop.request(TestRequest::patch().uri(&path), Some("k"))).await;
        assert_eq!((reply.status, &reply.body["version"]), (200, &json!(2)));
        assert_eq!((reply.header("etag"), reply.header("idempotency-replayed")), (Some("\"v2\""), replayed));
    }
}

#[actix_web::test]
async fn a_request_with_a_password_is_remembered_under_a_secret() {
    let shop = Shop::new().await;
    let send = |note: &str| {
        let body = json!({"note": note});
        TestRequest::post().uri("/register").insert_header(("idempotency-key", "k")).set_json(body)
    };
    let first = shop.send(send("hunter2")).await;
    let second = shop.send(send("hunter2")).await;
    assert_eq!((first.status, second.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!(first.body, second.body);
    // The hash of the body stands for the caller, so another body is another caller.
    let other = shop.send(send("hunter3")).await;
    assert_eq!((other.status, other.header("idempotency-replayed")), (201, None));
    let records = shop.records().await;
    assert_eq!(records.len(), 2);
    let plain =
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, json!({"note": "hunter2"}).to_string().as_bytes());
    for (caller, scope, hash) in records {
        assert!(caller.starts_with("request:") && scope == "POST /register", "{caller} {scope}");
        assert_ne!(hash, plain.as_ref(), "a plain hash could be guessed at");
    }
}
