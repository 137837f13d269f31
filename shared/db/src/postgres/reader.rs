//! Reads. Rule: one statement, on a connection whose session is read-only.

use super::connection::{Answer, Order};
use super::pool::Pool;
use super::server::{Purpose, Server};
use super::sort::sort;
use super::value::decode_row;
use crate::error::{DbError, OpenError};
use crate::options::Limits;
use sea_orm::Statement;
use sea_orm::sea_query::{ColumnType, Value};

/// Reads.
#[derive(Clone)]
pub(crate) struct Reader {
    pool: Pool,
    by_index: bool,
}

impl Reader {
    /// No connection is opened yet.
    ///
    /// # Errors
    /// [`OpenError::Address`].
    pub(crate) fn new(server: &Server, limits: Limits, size: usize) -> Result<Self, OpenError> {
        Ok(Self { pool: Pool::new(server, Purpose::Read, limits, size)?, by_index: false })
    }

    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Goes by an index wherever one fits.
    pub(crate) fn by_index(&self) -> Self {
        Self { by_index: true, ..self.clone() }
    }

    /// The rows that the statement finds.
    ///
    /// # Errors
    /// See [`DbError`].
    pub(crate) async fn read(&self, statement: &Statement, columns: &[ColumnType]) -> Result<Vec<Vec<Value>>, DbError> {
        let read = Order::Read(statement);
        let (alone, by_index) = ([read], [Order::BeginByIndex, read, Order::Commit]);
        let orders = if self.by_index { &by_index[..] } else { &alone[..] };
        let mut lease = self.pool.lease().await?;
        lease.soil();
        let sent = lease.connection()?.send(orders).await;
        match sent {
            Ok(answers) => {
                lease.clean();
                let rows = answers.into_iter().find_map(|answer| match answer {
                    Answer::Rows(rows) => Some(rows),
                    _ => None,
                });
                rows.unwrap_or_default().iter().map(|row| decode_row(row, columns)).collect()
            }
            Err(failure) => {
                let sorted = sort(&failure);
                if sorted.broken {
                    lease.condemn();
                }
                Err(sorted.error)
            }
        }
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}
