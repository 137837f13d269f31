//! Reads outside a transaction. Rule: one statement, on a connection whose session is read-only.

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
}

impl Reader {
    /// No connection is opened yet.
    ///
    /// # Errors
    /// [`OpenError::Address`].
    pub(crate) fn new(server: &Server, limits: Limits, size: usize) -> Result<Self, OpenError> {
        Ok(Self { pool: Pool::new(server, Purpose::Read, limits, size)? })
    }

    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The rows that the statement finds.
    ///
    /// # Errors
    /// See [`DbError`].
    pub(crate) async fn read(&self, statement: &Statement, columns: &[ColumnType]) -> Result<Vec<Vec<Value>>, DbError> {
        let mut lease = self.pool.lease().await?;
        lease.soil();
        let sent = lease.connection()?.send(&[Order::Read(statement)]).await;
        match sent {
            Ok(mut answers) => {
                lease.clean();
                match answers.pop() {
                    Some(Answer::Rows(rows)) => rows.iter().map(|row| decode_row(row, columns)).collect(),
                    _ => Ok(Vec::new()),
                }
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
