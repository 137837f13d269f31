//! Reads outside a transaction. Rule: one statement, on a read-only connection, so that a read never waits for a
//! write and cannot write.

use super::connection::Connection;
use crate::error::DbError;
use crate::options::Limits;
use crate::row::FromRow;
use sea_orm::{DbBackend, EntityTrait, IntoActiveModel, QuerySelect, QueryTrait, Select, Statement, TryIntoModel};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// A pool of read-only connections, opened when they are first needed.
#[derive(Clone)]
pub struct Reader {
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

    /// The first row, in place: for statements that find their row by a key.
    ///
    /// # Errors
    /// [`DbError::Busy`] when no connection is free within the acquire limit; see [`DbError`] for the rest.
    pub async fn one<E>(&self, select: Select<E>) -> Result<Option<E::Model>, DbError>
    where
        E: EntityTrait,
        E::Model: IntoActiveModel<E::ActiveModel>,
        E::ActiveModel: TryIntoModel<E::Model>,
    {
        let statement = select.limit(1).build(DbBackend::Sqlite);
        let _permit = self.permit().await?;
        Ok(self.shared.with(|connection| connection.models::<E>(&statement))?.into_iter().next())
    }

    /// All rows, on the blocking pool: a scan must not hold up a thread that serves requests.
    ///
    /// # Errors
    /// As [`Reader::one`].
    pub async fn all<E>(&self, select: Select<E>) -> Result<Vec<E::Model>, DbError>
    where
        E: EntityTrait,
        E::Model: IntoActiveModel<E::ActiveModel> + 'static,
        E::ActiveModel: TryIntoModel<E::Model>,
    {
        self.aside(select.build(DbBackend::Sqlite), |connection, statement| connection.models::<E>(statement)).await
    }

    /// Rows of plain values, on the blocking pool.
    ///
    /// # Errors
    /// As [`Reader::one`].
    pub async fn rows<R: FromRow>(&self, query: impl QueryTrait) -> Result<Vec<R>, DbError> {
        self.aside(query.build(DbBackend::Sqlite), |connection, statement| connection.tuples::<R>(statement)).await
    }

    async fn aside<T: Send + 'static>(
        &self,
        statement: Statement,
        read: impl FnOnce(&Connection, &Statement) -> Result<T, DbError> + Send + 'static,
    ) -> Result<T, DbError> {
        let permit = self.permit().await?;
        let shared = Arc::clone(&self.shared);
        let reading = self.shared.runtime.spawn_blocking(move || {
            let _permit = permit;
            shared.with(|connection| read(connection, &statement))
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
