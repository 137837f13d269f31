//! Waiting for the news of a user.

use crate::app::await_user;
use crate::domain::testing::{anna, ben};
use crate::testing::Bench;
use std::time::Duration;
use tokio::time::Instant;

#[tokio::test]
async fn who_is_known_is_seen_at_once() {
    let bench = Bench::open().await;
    bench.know(ben()).await;
    assert!(await_user(&bench.db, ben().id).await.unwrap());
}

#[tokio::test]
async fn news_that_comes_while_waiting_is_seen() {
    let bench = Bench::open().await;
    // The waiting is polled first, so it has looked in vain before the news is written.
    let (known, ()) = tokio::join!(await_user(&bench.db, ben().id), bench.know(ben()));
    assert!(known.unwrap());
}

#[tokio::test]
async fn patience_ends_after_half_a_second() {
    let bench = Bench::open().await;
    let begun = Instant::now();
    assert!(!await_user(&bench.db, anna().id).await.unwrap());
    assert!(begun.elapsed() >= Duration::from_millis(500), "{:?}", begun.elapsed());
}
