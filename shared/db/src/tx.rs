//! The transaction as a use-case sees it. Rule: it can read and write rows of its own database, and know the time, an
//! id and on whose behalf it runs; it cannot commit.

use crate::context::Context;
use crate::error::DbError;
use crate::gate::{Gate, Load};
use crate::ids::Ids;
use crate::row::{FromRow, entity_columns, model};
use crate::turn::{Ticket, Turn};
use chrono::{DateTime, Utc};
use sea_orm::sea_query::ColumnType;
use sea_orm::{DbBackend, EntityTrait, IntoActiveModel, QuerySelect, QueryTrait, Select, Statement, TryIntoModel};
use std::sync::Arc;
use uuid::Uuid;

/// One use-case's transaction. Dropped without being kept, it takes its work back.
pub struct Tx {
    turn: Option<Turn>,
    backend: DbBackend,
    pushed: Vec<Statement>,
    context: Context,
    ids: Arc<Ids>,
    now: DateTime<Utc>,
    emitted: bool,
    /// What is new in the outbox.
    load: Load,
    gate: Arc<Gate>,
}

impl Tx {
    pub(crate) fn new(turn: Turn, context: Context, ids: Arc<Ids>, gate: Arc<Gate>, now: DateTime<Utc>) -> Self {
        let backend = turn.backend();
        let (pushed, load) = (Vec::new(), Load::default());
        Self { turn: Some(turn), backend, pushed, context, ids, now, emitted: false, load, gate }
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
        let statement = select.build(self.backend);
        self.read(statement, entity_columns::<E>()).await?.into_iter().map(model::<E>).collect()
    }

    /// Rows of plain values. What was pushed before is sent first.
    ///
    /// # Errors
    /// As [`Tx::one`].
    pub async fn rows<R: FromRow>(&mut self, query: impl QueryTrait + Send) -> Result<Vec<R>, DbError> {
        let statement = query.build(self.backend);
        self.read(statement, R::columns()).await?.into_iter().map(R::from_values).collect()
    }

    /// Executes now; the number of rows changed.
    ///
    /// # Errors
    /// As [`Tx::one`]; [`DbError::Unique`] when a uniqueness rule refuses.
    pub async fn run(&mut self, statement: impl QueryTrait + Send) -> Result<u64, DbError> {
        let statement = statement.build(self.backend);
        let pushed = std::mem::take(&mut self.pushed);
        self.turn()?.execute(&pushed, &statement).await
    }

    /// Executes before the next read or the commit, whichever comes first. It must change a row, else the commit
    /// fails.
    pub fn push(&mut self, statement: impl QueryTrait) {
        self.pushed.push(statement.build(self.backend));
    }

    /// Notes that there is something to relay, so that the relay is woken after the commit.
    pub fn mark_emitted(&mut self) {
        self.emitted = true;
    }

    /// Notes a new event of so many bytes: the commit is refused where none may be emitted. The stream epoch that the
    /// event belongs to.
    pub fn mark_new(&mut self, bytes: usize) -> i32 {
        self.emitted = true;
        self.load.events += 1;
        self.load.bytes += i64::try_from(bytes).unwrap_or(i64::MAX);
        self.gate.epoch()
    }

    /// The transaction's instant: the same at every call.
    #[must_use]
    pub const fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// The database's own clock, for leases between processes and nothing else. SQLite has none: there it is
    /// [`Tx::now`].
    ///
    /// # Errors
    /// As [`Tx::one`].
    pub async fn database_now(&mut self) -> Result<DateTime<Utc>, DbError> {
        if self.backend == DbBackend::Sqlite {
            return Ok(self.now);
        }
        let clock = Statement::from_string(self.backend, "SELECT clock_timestamp()");
        let row = self.read(clock, <(DateTime<Utc>,)>::columns()).await?.pop();
        let (now,) = <(DateTime<Utc>,)>::from_values(row.unwrap_or_default())?;
        Ok(now)
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

    /// From here on it runs on somebody else's behalf: for a transaction in which several events are worked.
    pub fn go_on_for(&mut self, context: Context) {
        self.context = context;
    }

    async fn read(
        &mut self,
        statement: Statement,
        columns: Vec<ColumnType>,
    ) -> Result<Vec<Vec<sea_orm::Value>>, DbError> {
        let pushed = std::mem::take(&mut self.pushed);
        self.turn()?.read(&pushed, &statement, &columns).await
    }

    fn turn(&mut self) -> Result<&mut Turn, DbError> {
        self.turn.as_mut().ok_or_else(|| DbError::Unavailable("the transaction has ended".to_owned()))
    }

    /// True when a statement lost against another transaction: the use-case may be run again.
    pub(crate) fn may_rerun(&self) -> bool {
        self.turn.as_ref().is_some_and(Turn::may_rerun)
    }

    /// What kept it from the database, if anything did.
    pub(crate) fn trouble(&self) -> Option<&DbError> {
        self.turn.as_ref().and_then(Turn::trouble)
    }

    /// What is new in the outbox once this is committed.
    pub(crate) const fn load(&self) -> Load {
        self.load
    }

    /// Sends what is pushed and keeps the work.
    pub(crate) async fn keep(&mut self) -> Result<Ticket, DbError> {
        if self.load.events > 0 {
            self.gate.check(&self.context)?;
        }
        let (pushed, emitted) = (std::mem::take(&mut self.pushed), self.emitted);
        let kept = self.turn()?.keep(&pushed, emitted).await;
        if kept.is_ok() {
            self.turn = None;
        }
        kept
    }

    /// Takes the work back; what is left to wait for, if anything is.
    pub(crate) async fn take_back(&mut self) -> Option<Ticket> {
        match self.turn.take() {
            Some(turn) => Some(turn.take_back().await),
            None => None,
        }
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        if let Some(turn) = self.turn.take() {
            turn.abandon();
        }
    }
}
