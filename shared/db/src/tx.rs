//! The transaction as a use-case sees it. Rule: it can read and write rows of its own database, and know the time, an
//! id and on whose behalf it runs; it cannot commit.

use crate::context::Context;
use crate::error::DbError;
use crate::ids::Ids;
use crate::row::FromRow;
use crate::sqlite::{Ticket, Turn};
use chrono::{DateTime, Utc};
use sea_orm::{DbBackend, EntityTrait, IntoActiveModel, QuerySelect, QueryTrait, Select, Statement, TryIntoModel};
use std::sync::Arc;
use uuid::Uuid;

/// One use-case's transaction. Dropped without being kept, it takes its work back.
pub struct Tx {
    turn: Option<Turn>,
    pushed: Vec<Statement>,
    context: Context,
    ids: Arc<Ids>,
    now: DateTime<Utc>,
    emitted: bool,
    conflict: bool,
    /// What a pushed statement failed with; its fellows are lost, so nothing of the transaction may be kept.
    push_failed: Option<DbError>,
}

impl Tx {
    pub(crate) fn new(turn: Turn, context: Context, ids: Arc<Ids>, now: DateTime<Utc>) -> Self {
        Self {
            turn: Some(turn),
            pushed: Vec::new(),
            context,
            ids,
            now,
            emitted: false,
            conflict: false,
            push_failed: None,
        }
    }

    /// The row that the statement finds, if any. What was pushed before is sent first.
    ///
    /// # Errors
    /// See [`DbError`]; also what a pushed statement violated.
    pub async fn one<E>(&mut self, select: Select<E>) -> Result<Option<E::Model>, DbError>
    where
        E: EntityTrait,
        E::Model: IntoActiveModel<E::ActiveModel>,
        E::ActiveModel: TryIntoModel<E::Model>,
    {
        Ok(self.all(select.limit(1)).await?.into_iter().next())
    }

    /// The rows that the statement finds. What was pushed before is sent first.
    ///
    /// # Errors
    /// As [`Tx::one`].
    pub async fn all<E>(&mut self, select: Select<E>) -> Result<Vec<E::Model>, DbError>
    where
        E: EntityTrait,
        E::Model: IntoActiveModel<E::ActiveModel>,
        E::ActiveModel: TryIntoModel<E::Model>,
    {
        let statement = select.build(DbBackend::Sqlite);
        self.flush()?;
        self.with(|turn| turn.with(|connection| connection.models::<E>(&statement)))
    }

    /// Rows of plain values. What was pushed before is sent first.
    ///
    /// # Errors
    /// As [`Tx::one`].
    pub async fn rows<R: FromRow>(&mut self, query: impl QueryTrait + Send) -> Result<Vec<R>, DbError> {
        let statement = query.build(DbBackend::Sqlite);
        self.flush()?;
        self.with(|turn| turn.with(|connection| connection.tuples::<R>(&statement)))
    }

    /// Executes now; the number of rows changed.
    ///
    /// # Errors
    /// As [`Tx::one`]; [`DbError::Unique`] when a uniqueness rule refuses.
    pub async fn run(&mut self, statement: impl QueryTrait + Send) -> Result<u64, DbError> {
        let statement = statement.build(DbBackend::Sqlite);
        self.flush()?;
        self.with(|turn| turn.with(|connection| connection.execute(&statement)))
    }

    /// Executes before the next read or the commit, whichever comes first. It must change a row, else the commit
    /// fails.
    pub fn push(&mut self, statement: impl QueryTrait) {
        self.pushed.push(statement.build(DbBackend::Sqlite));
    }

    /// Notes that events were emitted, so that the relay is woken after the commit.
    pub fn mark_emitted(&mut self) {
        self.emitted = true;
    }

    /// The transaction's instant: the same at every call.
    #[must_use]
    pub const fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// A new id.
    #[must_use]
    pub fn new_id(&self) -> Uuid {
        self.ids.next()
    }

    /// On whose behalf it runs.
    #[must_use]
    pub const fn context(&self) -> &Context {
        &self.context
    }

    fn flush(&mut self) -> Result<(), DbError> {
        for statement in std::mem::take(&mut self.pushed) {
            let changed = self.with(|turn| turn.with(|connection| connection.execute(&statement)));
            let failure = match changed {
                Ok(0) => DbError::NoRowChanged(statement.sql),
                Ok(_) => continue,
                Err(error) => error,
            };
            self.push_failed = Some(failure);
            break;
        }
        self.push_failed.clone().map_or(Ok(()), Err)
    }

    fn with<T>(&mut self, work: impl FnOnce(&mut Turn) -> Result<T, DbError>) -> Result<T, DbError> {
        let turn = self.turn.as_mut().ok_or_else(|| DbError::Unavailable("the transaction has ended".to_owned()))?;
        let result = work(turn);
        if matches!(result, Err(DbError::Conflict)) {
            self.conflict = true;
        }
        result
    }

    /// True when a statement lost against another transaction: the use-case may be run again.
    pub(crate) const fn met_conflict(&self) -> bool {
        self.conflict
    }

    /// Sends what is pushed and keeps the work.
    pub(crate) fn keep(&mut self) -> Result<Ticket, DbError> {
        self.flush()?;
        let emitted = self.emitted;
        let kept = self.with(|turn| turn.keep(emitted));
        if kept.is_ok() {
            self.turn = None;
        }
        kept
    }

    /// Takes the work back; see `Lane::take_back` for the ticket.
    pub(crate) fn take_back(&mut self) -> Option<Ticket> {
        self.turn.take().and_then(|mut turn| turn.take_back())
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        drop(self.take_back());
    }
}
