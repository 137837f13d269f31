//! A service that went away comes back without anybody's help.

use crate::stub::{Stub, answer};
use crate::support::{NOTES, gateway, until};

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
    stub.says_it_lives(false);
    until("left alone", async || gateway.get(NOTES).await.status == 503).await;
    stub.says_it_lives(true);
    until("asked again", async || gateway.get(NOTES).await.status == 200).await;
    gateway.stop().await;
}
