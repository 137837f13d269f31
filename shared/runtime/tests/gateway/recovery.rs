//! A service that went away comes back without anybody's help.

use crate::stub::{Says, Stub, answer};
use crate::support::{NOTES, gateway, gateway_with, until};
use std::time::Duration;

#[tokio::test]
async fn a_service_that_comes_back_is_used_again() {
    let stub = Stub::start(|_| answer("200 OK", "", "first"));
    let gateway = gateway(&[stub.url()]).await;
    assert_eq!(gateway.get(NOTES).await.body, "first");
    let address = stub.address;
    drop(stub);
    until("away", async || gateway.get(NOTES).await.status == 503).await;
    assert_eq!(gateway.get("/health").await.body["status"], "degraded");
    let _again = Stub::start_at(address, |_| answer("200 OK", "", "second"));
    until("back", async || gateway.get(NOTES).await.body == "second").await;
    assert_eq!(gateway.get("/health").await.body["status"], "healthy");
    gateway.stop().await;
}

#[tokio::test]
async fn a_service_that_says_it_does_not_live_is_left_alone() {
    let stub = Stub::start(|_| answer("200 OK", "", "asked"));
    let gateway = gateway(&[stub.url()]).await;
    stub.says(Says::Dead);
    until("left alone", async || gateway.get(NOTES).await.status == 503).await;
    stub.says(Says::Well);
    until("asked again", async || gateway.get(NOTES).await.status == 200).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_look_that_is_late_once_takes_nobody_away_and_silence_does() {
    let stub = Stub::start(|_| answer("200 OK", "", "asked"));
    let gateway = gateway_with(&[("notes", &[stub.url()])], |config| {
        config.seams.gateway.check_timeout = Duration::from_millis(100);
    })
    .await;
    until("looked at", async || stub.looks() > 0).await;
    stub.says(Says::Nothing);
    let before = stub.looks();
    until("looked at in vain", async || stub.looks() > before).await;
    stub.says(Says::Well);
    let before = stub.looks();
    until("looked at again", async || {
        assert_eq!(gateway.get(NOTES).await.status, 200, "busy for a moment is not away");
        stub.looks() > before + 1
    })
    .await;
    stub.says(Says::Nothing);
    until("left alone", async || gateway.get(NOTES).await.status == 503).await;
    gateway.stop().await;
}

#[tokio::test]
async fn one_that_is_about_to_stop_is_asked_only_where_there_is_no_other() {
    let stubs = [Stub::start(|_| answer("200 OK", "", "a")), Stub::start(|_| answer("200 OK", "", "b"))];
    let gateway = gateway(&[stubs[0].url(), stubs[1].url()]).await;
    stubs[0].says(Says::NotReady);
    let mut in_a_row = 0;
    until("left to the other one", async || {
        in_a_row = if gateway.get(NOTES).await.body == "b" { in_a_row + 1 } else { 0 };
        in_a_row == 10
    })
    .await;
    stubs[1].says(Says::NotReady);
    until("asked when nobody is ready", async || gateway.get(NOTES).await.body == "a").await;
    stubs[0].says(Says::Well);
    stubs[1].says(Says::Well);
    until("both are asked", async || gateway.get(NOTES).await.body == "a" && gateway.get(NOTES).await.body == "b")
        .await;
    gateway.stop().await;
}
