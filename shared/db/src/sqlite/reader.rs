//! Reads outside a transaction. Rule: one statement, on a read-only connection, so that a read never waits for a
//! write and cannot write.

use super::connection::Connection;
use crate::error::DbError;
use crate::options::Limits;
use sea_orm::Statement;
use sea_orm::sea_query::{ColumnType, Value};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// A pool of read-only connections, opened when they are first needed.
#[derive(Clone)]
pub(crate) struct Reader {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    limits: Limits,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
    runtime: Handle,
}

impl Reader {
    pub(crate) fn new(path: PathBuf, limits: Limits, connections: usize, runtime: Handle) -> Self {
        let permits = Arc::new(Semaphore::new(connections.max(1)));
        Self { shared: Arc::new(Shared { path, limits, idle: Mutex::default(), permits, runtime }) }
    }

    /// Rows, in place: for a statement that finds its row by a key.
    ///
    /// # Errors
    /// [`DbError::Busy`] when no connection is free within the acquire limit; see [`DbError`] for the rest.
    pub(crate) async fn one(&self, statement: &Statement, columns: &[ColumnType]) -> Result<Vec<Vec<Value>>, DbError> {
        let _permit = self.permit().await?;
        self.shared.with(|connection| connection.query(statement, columns))
    }

    /// Rows, on the blocking pool: a scan must not hold up a thread that serves requests.
    ///
    /// # Errors
    /// As [`Reader::one`].
    pub(crate) async fn all(&self, statement: Statement, columns: Vec<ColumnType>) -> Result<Vec<Vec<Value>>, DbError> {
        let permit = self.permit().await?;
        let shared = Arc::clone(&self.shared);
        let reading = self.shared.runtime.spawn_blocking(move || {
            let _permit = permit;
            shared.with(|connection| connection.query(&statement, &columns))
        });
        reading.await.map_err(|error| DbError::Unavailable(error.to_string()))?
    }

    async fn permit(&self) -> Result<tokio::sync::OwnedSemaphorePermit, DbError> {
        let permit = Arc::clone(&self.shared.permits).acquire_owned();
        timeout(self.shared.limits.acquire, permit)
            .await
            .map_err(|_| DbError::Busy)?
            .map_err(|_| DbError::Unavailable("the database is closed".to_owned()))
    }

    /// Lets nobody in any more and closes what is idle.
    pub(crate) fn close(&self) {
        self.shared.permits.close();
        self.shared.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Shared {
    /// Lends a connection; one that saw an error other than the statement's own is not lent again.
    fn with<T>(&self, read: impl FnOnce(&Connection) -> Result<T, DbError>) -> Result<T, DbError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => Connection::reader(&self.path, &self.limits)
                .map_err(|error| DbError::Unavailable(format!("{error}: {:?}", std::error::Error::source(&error))))?,
        };
        let result = read(&connection);
        if !matches!(result, Err(DbError::Unavailable(_))) && !self.permits.is_closed() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
        result
    }
}
