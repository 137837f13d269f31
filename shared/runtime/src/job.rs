//! Work that repeats: what a domain registers, and the task that runs it. Rule: a job is done from what is in the
//! database alone, so that running it twice, late or after a crash does no harm; the interval is the truth and a
//! wake-up only makes it sooner.

use db::Db;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};

type Run = Arc<dyn Fn(Db) -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// A repeating piece of work over a domain's database.
#[derive(Clone)]
pub struct Job {
    pub(crate) name: &'static str,
    every: Duration,
    run: Run,
    wake: Arc<Notify>,
}

impl Job {
    /// Runs `run` at the start and then at every interval. What it returns as an error is logged, and the next
    /// interval tries again.
    #[must_use]
    pub fn every<F>(every: Duration, name: &'static str, run: F) -> Self
    where
        F: Fn(Db) -> BoxFuture<'static, Result<(), String>> + Send + Sync + 'static,
    {
        Self { name, every, run: Arc::new(run), wake: Arc::new(Notify::new()) }
    }

    /// Runs it also whenever `wake` is notified with `notify_one`.
    #[must_use]
    pub fn wake(mut self, wake: Arc<Notify>) -> Self {
        self.wake = wake;
        self
    }

    pub(crate) fn waker(&self) -> Arc<Notify> {
        Arc::clone(&self.wake)
    }

    /// Runs until `stop` is told; a run that has begun is finished first.
    pub(crate) async fn repeat(self, db: Db, mut stop: watch::Receiver<bool>) {
        loop {
            self.once(&db).await;
            tokio::select! {
                () = tokio::time::sleep(self.every) => {}
                () = self.wake.notified() => {}
                _ = stop.wait_for(|stopping| *stopping) => return,
            }
        }
    }

    async fn once(&self, db: &Db) {
        // The call itself is inside, so that a panic before the first await is caught as well.
        let run = AssertUnwindSafe(async { (self.run)(db.clone()).await }).catch_unwind();
        match run.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(job = self.name, error, "a job failed and will run again"),
            Err(_) => tracing::error!(job = self.name, "a job panicked and will run again"),
        }
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("name", &self.name).field("every", &self.every).finish_non_exhaustive()
    }
}
