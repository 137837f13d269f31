//! A connection on loan. Rule: it goes back as it came, clean, or it does not go back; that happens on the process's own
//! runtime, whatever became of who borrowed it.

use super::{Place, Shared};
use crate::error::DbError;
use crate::postgres::connection::{Connection, Order};
use crate::postgres::signal::Signal;
use crate::postgres::sort::sort;
use std::sync::Arc;

/// A connection on loan. Dropped, it is taken back: clean at once, otherwise after a ROLLBACK.
pub(in crate::postgres) struct Lease {
    pool: Arc<Shared>,
    /// None when it is of no more use.
    connection: Option<Connection>,
    place: Option<Place>,
    /// A transaction may be open, or a request on its way.
    dirty: bool,
    /// Told when it has been taken back: a commit may have been among what was on its way.
    told: Option<Signal>,
}

impl Lease {
    pub(super) fn new(pool: Arc<Shared>, connection: Connection, place: Place) -> Self {
        Self { pool, connection: Some(connection), place: Some(place), dirty: false, told: None }
    }

    /// Sends a batch; see [`Connection::send`]. Until it has been answered the lease counts as dirty.
    ///
    /// # Errors
    /// [`DbError::Unavailable`] inside when the connection is gone already.
    pub(in crate::postgres) fn connection(&mut self) -> Result<&mut Connection, DbError> {
        self.connection.as_mut().ok_or_else(|| DbError::Unavailable("the connection is broken".to_owned()))
    }

    /// Until [`Lease::clean`] is called it is taken back with a ROLLBACK.
    pub(in crate::postgres) fn soil(&mut self) {
        self.dirty = true;
    }

    /// Nothing is open on it and nothing is on its way.
    pub(in crate::postgres) fn clean(&mut self) {
        self.dirty = false;
        self.told = None;
    }

    /// It is not lent again.
    pub(in crate::postgres) fn condemn(&mut self) {
        self.connection = None;
    }

    /// Whom to tell when it has been taken back dirty.
    pub(in crate::postgres) fn tell(&mut self, signal: &Signal) {
        self.told = Some(signal.clone());
    }

    /// Takes back what is open, here and now.
    pub(in crate::postgres) async fn rollback(&mut self) {
        if self.dirty
            && let Some(connection) = self.connection.as_mut()
        {
            if connection.rollback().await {
                self.clean();
            } else {
                self.condemn();
            }
        }
    }

    /// Executes a text without parameters, in a transaction of its own.
    ///
    /// # Errors
    /// See [`DbError`].
    pub(in crate::postgres) async fn execute(&mut self, statement: &sea_orm::Statement) -> Result<(), DbError> {
        self.soil();
        let sent = self.connection()?.send(&[Order::Change(statement)]).await;
        match sent {
            Ok(_) => {
                self.clean();
                Ok(())
            }
            Err(failure) => {
                let sorted = sort(&failure);
                if sorted.broken {
                    self.condemn();
                }
                Err(sorted.error)
            }
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let (connection, place, told) = (self.connection.take(), self.place.take(), self.told.take());
        match connection {
            Some(connection) if !self.dirty => self.pool.give_back(connection),
            Some(mut connection) => {
                let pool = Arc::clone(&self.pool);
                self.pool.runtime.spawn(async move {
                    if connection.rollback().await {
                        pool.give_back(connection);
                    }
                    drop(place);
                    if let Some(told) = told {
                        told.tell();
                    }
                });
            }
            None => {}
        }
    }
}
