//! Tasks that must not end. Rule: a panic is a trouble that an operator sees, and the task begins again; a bus that has
//! silently lost the task that reconnects it would look well for ever.

use crate::health::Health;
use futures_util::FutureExt;
use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::time::sleep;

/// Runs what `begin` makes until it ends, and again, after a pause, when it panicked.
pub(crate) async fn until_it_ends<F: Future<Output = ()>>(
    health: &Health,
    what: &str,
    pause: Duration,
    mut begin: impl FnMut() -> F,
) {
    while let Err(panic) = AssertUnwindSafe(begin()).catch_unwind().await {
        health.trouble(what, &format!("{what} panicked ({}) and begins again", message(panic.as_ref())));
        sleep(pause).await;
        health.fine(what);
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

    #[tokio::test]
    async fn a_task_that_panics_begins_again_and_is_a_trouble_until_then() {
        let (health, begun) = (Health::default(), Cell::new(0));
        let (run, seen) = (&begun, &health);
        let ends = until_it_ends(&health, "the keeper", Duration::from_millis(1), || async move {
            run.set(run.get() + 1);
            assert!(run.get() > 2, "on purpose");
            assert_eq!(seen.summary(), None);
        });
        let looks = async {
            while health.summary().is_none_or(|trouble| !trouble.contains("the keeper panicked (on purpose)")) {
                tokio::task::yield_now().await;
            }
        };
        tokio::join!(ends, looks);
        assert_eq!(begun.get(), 3);
    }
}
