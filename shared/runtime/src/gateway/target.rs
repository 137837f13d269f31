//! One process that serves a domain. Rule: it is asked while it can be connected to and its breaker lets requests
//! through; a refused connection counts at once, and a look that succeeds brings it back. One that lives and is not
//! ready is asked only in place of nobody.

use super::breaker::{Admission, Breaker};
use super::failure::Failure;
use super::tuning::GatewayTuning;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// A target and how it is.
#[derive(Debug)]
pub(super) struct Target {
    /// `http://host:port`.
    pub(super) address: String,
    /// Wakes whoever looks after it.
    pub(super) doubted: Notify,
    reachable: AtomicBool,
    ready: AtomicBool,
    breaker: Mutex<Breaker>,
}

impl Target {
    pub(super) fn new(address: &str, tuning: &GatewayTuning) -> Self {
        Self {
            address: address.to_owned(),
            doubted: Notify::new(),
            // Asked until it is known to be away, so that nobody waits for the first look.
            reachable: AtomicBool::new(true),
            ready: AtomicBool::new(true),
            breaker: Mutex::new(Breaker::new(tuning.breaker_failures, tuning.breaker_open)),
        }
    }

    /// Leave to send one request; else how long to wait.
    pub(super) fn admit(self: &Arc<Self>) -> Result<Permit, Duration> {
        if !self.is_reachable() {
            return Err(Duration::ZERO);
        }
        let probe = match self.with_breaker(|breaker| breaker.admit(Instant::now())) {
            Admission::Admitted => false,
            Admission::Probe => true,
            Admission::Refused(wait) => return Err(wait),
        };
        Ok(Permit { target: Arc::clone(self), probe, settled: false })
    }

    /// Whether it wants requests: one that is about to stop still serves them.
    pub(super) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    pub(super) fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Release);
    }

    pub(super) fn is_reachable(&self) -> bool {
        self.reachable.load(Ordering::Acquire)
    }

    pub(super) fn breaker(&self) -> &'static str {
        self.with_breaker(|breaker| breaker.name())
    }

    /// What a look at it found.
    pub(super) fn found(&self, reachable: bool) {
        if self.reachable.swap(reachable, Ordering::AcqRel) != reachable {
            let address = self.address.as_str();
            if reachable {
                tracing::info!(address, "a service can be reached again");
            } else {
                tracing::warn!(address, "a service cannot be reached");
            }
        }
    }

    fn with_breaker<T>(&self, act: impl FnOnce(&mut Breaker) -> T) -> T {
        act(&mut self.breaker.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Leave to send one request. Dropped without a word, the request's client went away and nothing is known.
#[derive(Debug)]
pub(super) struct Permit {
    target: Arc<Target>,
    probe: bool,
    settled: bool,
}

impl Permit {
    pub(super) fn address(&self) -> &str {
        &self.target.address
    }

    /// It answered, whatever the answer says: a handler that fails must not take the others along.
    pub(super) fn answered(mut self) {
        self.settled = true;
        self.target.with_breaker(Breaker::succeeded);
    }

    /// It did not answer. Returns the target, for a second try elsewhere.
    pub(super) fn failed(mut self, failure: &Failure) -> Arc<Target> {
        self.settled = true;
        let (target, probe) = (Arc::clone(&self.target), self.probe);
        if matches!(failure, Failure::Connect(_)) {
            target.with_breaker(|breaker| breaker.abandoned(Instant::now(), probe));
            target.found(false);
        } else if target.with_breaker(|breaker| breaker.failed(Instant::now(), probe)) {
            tracing::warn!(address = target.address, "a service does not answer and is left alone for a while");
        }
        target.doubted.notify_one();
        target
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.settled {
            let probe = self.probe;
            self.target.with_breaker(|breaker| breaker.abandoned(Instant::now(), probe));
        }
    }
}
