//! Tasks that must not end. Rule: one that panics begins again, and every look is noted; a domain that had silently lost
//! its relay would look well for ever.

use futures_util::FutureExt;
use schemars::JsonSchema;
use serde::Serialize;
use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// First and longest pause before a task that panicked begins again.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// Signs of life of one task.
#[derive(Debug)]
pub(crate) struct Pulse {
    began: Instant,
    /// After `began`, in milliseconds.
    last: AtomicU64,
    restarts: AtomicU64,
}

/// How a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TaskHealth {
    /// Since it last looked whether there is anything to do, in seconds.
    pub last_tick_seconds: u64,
    /// How often it panicked and began again.
    pub restarts: u64,
}

impl Pulse {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), last: AtomicU64::new(0), restarts: AtomicU64::new(0) }
    }

    /// The task is about to look whether there is anything to do.
    pub(crate) fn beat(&self) {
        self.last.store(self.elapsed(), Ordering::Relaxed);
    }

    pub(crate) fn health(&self) -> TaskHealth {
        let since = self.elapsed().saturating_sub(self.last.load(Ordering::Relaxed));
        TaskHealth { last_tick_seconds: since / 1_000, restarts: self.restarts.load(Ordering::Relaxed) }
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Runs what `begin` makes until it ends, and again, after a pause, when it panicked.
pub(crate) async fn keep_alive<F: Future<Output = ()>>(
    pulse: &Pulse,
    what: &str,
    mut stop: watch::Receiver<bool>,
    mut begin: impl FnMut() -> F,
) {
    let mut pause = PAUSES.0;
    while let Err(panic) = AssertUnwindSafe(begin()).catch_unwind().await {
        pulse.restarts.fetch_add(1, Ordering::Relaxed);
        tracing::error!(task = what, panic = message(panic.as_ref()), "a task panicked and begins again");
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = sleep(pause) => pause = (pause * 2).min(PAUSES.1),
        }
    }
}

/// What a panic said.
pub(crate) fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn a_task_that_panics_begins_again_until_it_is_told_to_stop() {
        let (pulse, begun, stop) = (Pulse::new(), Cell::new(0), watch::Sender::new(false));
        let began = &begun;
        let ends = keep_alive(&pulse, "the relay", stop.subscribe(), || async move {
            began.set(began.get() + 1);
            assert!(began.get() > 2, "on purpose");
        });
        ends.await;
        assert_eq!((begun.get(), pulse.health().restarts), (3, 2));
        stop.send_replace(true);
        keep_alive(&pulse, "the relay", stop.subscribe(), || async { panic!("on purpose") }).await;
        assert_eq!(pulse.health().restarts, 3, "who stops does not begin again");
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_counted_from_the_last_look() {
        let pulse = Pulse::new();
        advance(Duration::from_secs(40)).await;
        assert_eq!(pulse.health().last_tick_seconds, 40);
        pulse.beat();
        advance(Duration::from_millis(1_500)).await;
        assert_eq!(pulse.health(), TaskHealth { last_tick_seconds: 1, restarts: 0 });
    }
}
