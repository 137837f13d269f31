//! The path of a write on PostgreSQL: from its first statement on a use-case has a connection for itself.

use super::group::Groups;
use super::pool::Pool;
use super::server::{Purpose, Server};
use super::signal::Signal;
use super::transaction::Transaction;
use crate::error::OpenError;
use crate::options::Limits;

/// Hands out transactions.
#[derive(Clone)]
pub(crate) struct Writer {
    pool: Pool,
    groups: Groups,
    names: Pool,
    signal: Signal,
}

impl Writer {
    /// Opens one connection at once, so that a wrong address is found at the start. `readers` looks up names.
    ///
    /// # Errors
    /// [`OpenError`].
    pub(crate) async fn open(
        server: &Server,
        limits: Limits,
        size: usize,
        readers: &super::Reader,
        signal: Signal,
    ) -> Result<Self, OpenError> {
        let pool = Pool::new(server, Purpose::Write, limits, size)?;
        pool.warm_up().await?;
        signal.start(&pool);
        let groups = Groups::new(&pool, &signal);
        Ok(Self { pool, groups, names: readers.pool().clone(), signal })
    }

    /// A transaction that has not begun, and waits for a connection when it does.
    pub(crate) fn turn(&self) -> Transaction {
        Transaction::new(self.pool.clone(), self.groups.clone(), self.names.clone(), self.signal.clone())
    }

    /// Waits for who is in and lets nobody in any more.
    pub(crate) async fn close(&self) {
        self.signal.stop(&self.pool).await;
        self.pool.close().await;
    }
}
