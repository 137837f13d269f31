//! What stands in the way. Rule: every trouble is logged once when it begins and once when it ends, and is in the
//! status as long as it lasts; what a deleted queue took along does not come back with the queue, so that one lasts until
//! the consumer misses nothing any more.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// The present troubles, each under the name of what has it.
#[derive(Debug, Default)]
pub(crate) struct Health {
    troubles: Mutex<BTreeMap<String, String>>,
    /// Queues that were deleted, and when that was noticed last.
    losses: Mutex<BTreeMap<String, Instant>>,
    /// Changes with every loss.
    lost: watch::Sender<u64>,
}

impl Health {
    /// `what` has a trouble; true when it had none before.
    pub(crate) fn trouble(&self, what: &str, trouble: &str) -> bool {
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        let new = troubles.insert(what.to_owned(), trouble.to_owned()).is_none();
        if new {
            tracing::error!(what, trouble, "the bus is in trouble");
        }
        new
    }

    /// `what` has none any more.
    pub(crate) fn fine(&self, what: &str) {
        if self.troubles.lock().unwrap_or_else(PoisonError::into_inner).remove(what).is_some() {
            tracing::info!(what, "the bus is out of that trouble");
        }
    }

    /// `queue` was deleted with what was in it. Making it again repairs nothing.
    pub(crate) fn lost(&self, queue: &str, how: &str) {
        tracing::error!(queue, how, "a queue was deleted; the events that were in it are lost to its consumer");
        self.losses.lock().unwrap_or_else(PoisonError::into_inner).insert(queue.to_owned(), Instant::now());
        self.lost.send_modify(|losses| *losses += 1);
    }

    /// Tells whoever can ask for it again that something was lost.
    pub(crate) fn losses(&self) -> watch::Receiver<u64> {
        self.lost.subscribe()
    }

    /// The consumer of `queue` misses nothing: what was noticed longer ago than `since` has been made good.
    pub(crate) fn made_good(&self, queue: &str, since: Duration) {
        let mut losses = self.losses.lock().unwrap_or_else(PoisonError::into_inner);
        if losses.get(queue).is_some_and(|noticed| noticed.elapsed() >= since) {
            losses.remove(queue);
            tracing::info!(queue, "what was in the deleted queue has been made good");
        }
    }

    /// Nobody misses what was in `queue`: its consumer will not come back.
    pub(crate) fn not_missed(&self, queue: &str) {
        self.losses.lock().unwrap_or_else(PoisonError::into_inner).remove(queue);
    }

    /// All of them in one line.
    pub(crate) fn summary(&self) -> Option<String> {
        let troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        let losses = self.losses.lock().unwrap_or_else(PoisonError::into_inner);
        let losses = losses.iter().map(|(queue, noticed)| {
            format!(
                "the queue {queue} was deleted, noticed {} s ago: what was in it did not reach its consumer, which \
                 asks for it; this is said until it misses nothing",
                noticed.elapsed().as_secs()
            )
        });
        let all: Vec<String> = troubles.values().cloned().chain(losses).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}
