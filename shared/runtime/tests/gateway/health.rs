//! How remote domains are, as this process tells it.

use crate::stub::{Says, Stub, answer};
use crate::support::{gateway_with, until};
use serde_json::json;
use std::time::{Duration, Instant};

fn well() -> Stub {
    Stub::start(|_| answer("200 OK", "", ""))
}

#[tokio::test]
async fn who_says_nothing_keeps_nobody_waiting_longer_than_one() {
    let stubs = [well(), well(), well(), well(), well(), well()];
    let urls: Vec<String> = stubs.iter().map(Stub::url).collect();
    let gateway = gateway_with(&[("notes", &urls)], |config| {
        config.seams.gateway.check_timeout = Duration::from_millis(500);
    })
    .await;
    stubs[..5].iter().for_each(|stub| stub.says(Says::Little));
    let asked = Instant::now();
    let health = gateway.get("/health").await;
    assert!(asked.elapsed() < Duration::from_millis(1500), "{:?} for five of 500 ms", asked.elapsed());
    assert_eq!((health.status, &health.body["services"]), (200, &json!({"notes": "degraded"})), "{}", health.body);
    gateway.stop().await;
}

#[tokio::test]
async fn one_of_two_that_is_ill_is_degraded_whichever_it_is() {
    let stubs = [well(), well()];
    let gateway = gateway_with(&[("notes", &[stubs[0].url(), stubs[1].url()])], |_| {}).await;
    for (first, second, notes) in [
        (Says::Well, Says::Well, "healthy"),
        (Says::Ill, Says::Well, "degraded"),
        (Says::Well, Says::Ill, "degraded"),
        (Says::Ill, Says::Ill, "unhealthy"),
    ] {
        stubs[0].says(first);
        stubs[1].says(second);
        let health = gateway.get("/health").await.body;
        assert_eq!(health["services"], json!({ "notes": notes }), "{first:?} {second:?}");
    }
    stubs[0].says(Says::Well);
    stubs[1].says(Says::Dead);
    until("degraded", async || gateway.get("/health/notes").await.body["status"] == "degraded").await;
    gateway.stop().await;
}
