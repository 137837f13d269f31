//! The threads that passwords are hashed on, and their memory. Rule: as many as may hash at once, and no others; each has one
//! piece of memory that it uses again and that ends with it, because what an allocator keeps of 19 MiB here and 19 MiB there
//! had no bound.

use argon2::password_hash::phc::Output;
use argon2::{Algorithm, Argon2, Block, Params, Version, password_hash};
use std::cell::RefCell;
use std::fmt;
use std::io;
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

/// How long a thread waits for a next password, and its memory with it.
const KEPT: Duration = Duration::from_secs(1);

thread_local! {
    static MEMORY: RefCell<Memory> = RefCell::default();
}

/// Threads of their own, ended with this; what still runs on them is not waited for.
pub(super) struct HashingThreads {
    handle: Handle,
    runtime: Option<Runtime>,
}

/// What one hash is made in.
#[derive(Default)]
pub(super) struct Memory(Vec<Block>);

impl Memory {
    pub(super) fn argon2(
        &mut self,
        algorithm: Algorithm,
        version: Version,
        params: &Params,
        (password, salt): (&[u8], &[u8]),
        length: usize,
    ) -> Result<Output, password_hash::Error> {
        let Self(blocks) = self;
        blocks.resize(params.block_count(), Block::default());
        let mut buffer = [0; Output::MAX_LENGTH];
        let output = buffer.get_mut(..length).ok_or(password_hash::Error::OutputSize)?;
        Argon2::new(algorithm, version, params.clone()).hash_password_into_with_memory(
            password,
            salt,
            output,
            blocks.as_mut_slice(),
        )?;
        // A stored hash may have cost more than ours do.
        if blocks.len() > Params::DEFAULT.block_count() {
            blocks.clear();
            blocks.shrink_to_fit();
        }
        Ok(Output::new(output)?)
    }
}

impl HashingThreads {
    pub(super) fn start(count: usize) -> io::Result<Self> {
        // Nothing but its pool is used.
        let runtime = Builder::new_current_thread()
            .max_blocking_threads(count.max(1))
            .thread_keep_alive(KEPT)
            .thread_name("hashing")
            .build()?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    pub(super) fn run<T: Send + 'static>(&self, work: impl FnOnce(&mut Memory) -> T + Send + 'static) -> JoinHandle<T> {
        self.handle.spawn_blocking(move || MEMORY.with_borrow_mut(work))
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
