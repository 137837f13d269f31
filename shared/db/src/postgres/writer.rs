//! The path of a write on PostgreSQL: a connection is waited for, the use-case has it for itself.

use super::pool::Pool;
use super::server::{Purpose, Server};
use super::signal::Signal;
use super::transaction::Transaction;
use crate::error::{DbError, OpenError};
use crate::options::Limits;

/// Hands out transactions.
#[derive(Clone)]
pub(crate) struct Writer {
    pool: Pool,
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
        Ok(Self { pool, names: readers.pool().clone(), signal })
    }

    /// Waits for a connection.
    ///
    /// # Errors
    /// [`DbError::Busy`], [`DbError::Unavailable`].
    pub(crate) async fn turn(&self) -> Result<Transaction, DbError> {
        Ok(Transaction::new(self.pool.lease().await?, self.names.clone(), self.signal.clone()))
    }

    /// Waits for who is in and lets nobody in any more.
    pub(crate) async fn close(&self) {
        self.signal.stop(&self.pool).await;
        self.pool.close().await;
    }
}
