//! Waiting for a system to come to rest.

use super::{PATIENCE, System};
use crate::child::order;
use crate::settle::{Progress, describe, look};
use contracts::Clock;
use outbox::Unfinished;
use std::time::{Duration, Instant};

impl System {
    /// Returns when every event has had its effect.
    ///
    /// # Panics
    /// At the first event that failed or is dead, with its cause; or when the system does not come to rest.
    pub async fn settle(&self) {
        let failures = self.rest().await;
        assert!(failures.is_empty(), "events failed:\n{}", describe(&failures));
    }

    /// Returns when every event has had its effect, or is kept back by a failure; the failures.
    ///
    /// # Panics
    /// When there is no failure, or the system does not come to rest.
    pub async fn settle_with_failures(&self) -> Vec<Unfinished> {
        let failures = self.rest().await;
        assert!(!failures.is_empty(), "a failure was expected, and there is none");
        failures.into_iter().map(|(_, failure)| failure).collect()
    }

    async fn rest(&self) -> Vec<(&'static str, Unfinished)> {
        let started = Instant::now();
        let mut pause = Duration::from_millis(1);
        self.order(&order::wake());
        loop {
            match look(&self.stores, self.clock.now()).await {
                Progress::Settled(failures) => return failures,
                Progress::Moving(what) => {
                    assert!(started.elapsed() < PATIENCE, "the system does not come to rest: {what}")
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }
}
