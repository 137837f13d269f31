//! The threads that passwords are hashed on. Rule: as many as may hash at once, and no others: the memory that a thread has
//! hashed in stays with it, and on the threads of all workers 19 MiB each would be gigabytes.

use std::fmt;
use std::io;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

/// Threads of their own, ended with this; what still runs on them is not waited for.
pub(super) struct HashingThreads {
    handle: Handle,
    runtime: Option<Runtime>,
}

impl HashingThreads {
    pub(super) fn start(count: usize) -> io::Result<Self> {
        // Nothing but its pool is used.
        let runtime =
            Builder::new_current_thread().max_blocking_threads(count.max(1)).thread_name("hashing").build()?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    pub(super) fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        self.handle.spawn_blocking(work)
    }
}

impl Drop for HashingThreads {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for HashingThreads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashingThreads").finish_non_exhaustive()
    }
}
