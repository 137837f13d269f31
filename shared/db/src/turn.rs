//! The writer of either database, and the turn that it gives. Rule: this is the only place that knows both, next to
//! the reader.

use crate::error::DbError;
use crate::{postgres, sqlite};
use sea_orm::sea_query::{ColumnType, Value};
use sea_orm::{DbBackend, Statement};

/// Hands out turns.
pub(crate) enum Writer {
    Sqlite(sqlite::Writer),
    Postgres(postgres::Writer),
}

/// The right to write, and the transaction.
pub(crate) enum Turn {
    Sqlite(InPlace),
    Postgres(Box<postgres::Transaction>),
}

/// A turn in the lane of SQLite.
pub(crate) struct InPlace {
    turn: sqlite::Turn,
    met_conflict: bool,
    /// What a pushed statement failed with; its fellows are lost, so nothing of the transaction may be kept.
    push_failed: Option<DbError>,
}

/// What is left to wait for, once the use-case has ended.
pub(crate) struct Ticket(Option<sqlite::Ticket>);

impl Writer {
    /// Waits for the turn; on PostgreSQL the first statement waits instead.
    ///
    /// # Errors
    /// [`DbError::Busy`], [`DbError::Unavailable`].
    pub(crate) async fn turn(&self) -> Result<Turn, DbError> {
        match self {
            Self::Sqlite(writer) => Ok(Turn::Sqlite(InPlace::new(writer.turn().await?))),
            Self::Postgres(writer) => Ok(Turn::Postgres(Box::new(writer.turn()))),
        }
    }

    /// Lets nobody in any more, once those who are in have ended.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(writer) => writer.close().await,
            Self::Postgres(writer) => writer.close().await,
        }
    }
}

impl Turn {
    /// For whom statements are written.
    pub(crate) const fn backend(&self) -> DbBackend {
        match self {
            Self::Sqlite(_) => DbBackend::Sqlite,
            Self::Postgres(_) => DbBackend::Postgres,
        }
    }

    /// Sends what was pushed, then reads.
    ///
    /// # Errors
    /// See [`DbError`].
    pub(crate) async fn read(
        &mut self,
        pushed: &[Statement],
        statement: &Statement,
        columns: &[ColumnType],
    ) -> Result<Vec<Vec<Value>>, DbError> {
        match self {
            Self::Sqlite(lane) => {
                lane.after(pushed, |turn| turn.with(|connection| connection.query(statement, columns)))
            }
            Self::Postgres(transaction) => transaction.read(pushed, statement, columns).await,
        }
    }

    /// Sends what was pushed, then executes; rows changed.
    ///
    /// # Errors
    /// See [`DbError`].
    pub(crate) async fn execute(&mut self, pushed: &[Statement], statement: &Statement) -> Result<u64, DbError> {
        match self {
            Self::Sqlite(lane) => lane.after(pushed, |turn| turn.with(|connection| connection.execute(statement))),
            Self::Postgres(transaction) => transaction.execute(pushed, statement).await,
        }
    }

    /// Sends what was pushed and keeps the work.
    ///
    /// # Errors
    /// See [`DbError`].
    pub(crate) async fn keep(&mut self, pushed: &[Statement], emitted: bool) -> Result<Ticket, DbError> {
        match self {
            Self::Sqlite(lane) => lane.after(pushed, |turn| turn.keep(emitted).map(|ticket| Ticket(Some(ticket)))),
            Self::Postgres(transaction) => transaction.commit(pushed, emitted).await.map(|()| Ticket(None)),
        }
    }

    /// Takes the work back; see `Lane::take_back` for the ticket.
    pub(crate) async fn take_back(mut self) -> Ticket {
        match &mut self {
            Self::Sqlite(lane) => Ticket(lane.turn.take_back()),
            Self::Postgres(transaction) => {
                transaction.take_back().await;
                Ticket(None)
            }
        }
    }

    /// Takes the work back without waiting: its caller has gone away.
    pub(crate) fn abandon(self) {
        if let Self::Sqlite(mut lane) = self {
            drop(lane.turn.take_back());
        }
    }

    /// What kept it from the database, if anything did; that of SQLite is known when the turn does not come.
    pub(crate) fn trouble(&self) -> Option<&DbError> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(transaction) => transaction.trouble(),
        }
    }

    /// Told that it runs again after a conflict.
    pub(crate) fn contends(&mut self) {
        if let Self::Postgres(transaction) = self {
            transaction.contends();
        }
    }

    /// True when it lost against another transaction and may be run again.
    pub(crate) const fn may_rerun(&self) -> bool {
        match self {
            Self::Sqlite(lane) => lane.met_conflict,
            Self::Postgres(transaction) => transaction.may_rerun(),
        }
    }
}

impl Ticket {
    /// Waits until the commit is known.
    ///
    /// # Errors
    /// What the commit failed with.
    pub(crate) async fn settled(self) -> Result<(), DbError> {
        let Some(mut ticket) = self.0 else { return Ok(()) };
        let outcome = ticket.wait_for(Option::is_some).await;
        match outcome.as_deref() {
            Ok(Some(outcome)) => outcome.clone(),
            _ => Err(DbError::Unknown("the group ended without a word".to_owned())),
        }
    }
}

impl InPlace {
    const fn new(turn: sqlite::Turn) -> Self {
        Self { turn, met_conflict: false, push_failed: None }
    }

    /// Sends what was pushed, then does the work.
    fn after<T>(
        &mut self,
        pushed: &[Statement],
        work: impl FnOnce(&mut sqlite::Turn) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        if self.push_failed.is_none() {
            self.push_failed = send(&mut self.turn, pushed).err();
        }
        let result = match &self.push_failed {
            Some(error) => Err(error.clone()),
            None => work(&mut self.turn),
        };
        self.met_conflict |= matches!(result, Err(DbError::Conflict));
        result
    }
}

fn send(turn: &mut sqlite::Turn, pushed: &[Statement]) -> Result<(), DbError> {
    for statement in pushed {
        if turn.with(|connection| connection.execute(statement))? == 0 {
            return Err(DbError::NoRowChanged(statement.sql.clone()));
        }
    }
    Ok(())
}
