//! The writer's lane: one connection, one turn at a time, one commit for all who queued.
//!
//! Group commit as in Helland et al., "Group Commit Timers and High Volume Transaction Systems" (1987), without a
//! timer: whoever opens a group queues its commit behind those who already wait, since the lock is first come, first
//! served. So a group holds exactly those who were there, never waits for somebody who may not come, and a caller
//! that goes away cannot leave one open.
//!
//! Rules: statements run in place; BEGIN may block and COMMIT does, so the first falls back to and the second always
//! runs on the process's blocking pool; whatever SQLite rolls back by itself ends the whole group, whose members run again
//! when the cause was a neighbour's deadline and fail when it was the database.

use super::connection::Connection;
use crate::error::{DbError, OpenError};
use crate::options::Limits;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::runtime::Handle;
use tokio::sync::{Notify, OwnedMutexGuard, watch};
use tokio::time::timeout;

/// What a member of a group waits for.
pub(crate) type Ticket = watch::Receiver<Option<Result<(), DbError>>>;
/// The right to use the lane.
pub(crate) type Turn = OwnedMutexGuard<Lane>;

/// Hands out turns.
#[derive(Clone)]
pub(crate) struct Writer {
    lane: Arc<tokio::sync::Mutex<Lane>>,
    limits: Limits,
    runtime: Handle,
}

/// The connection and the transaction that is open on it.
pub(crate) struct Lane {
    path: PathBuf,
    limits: Limits,
    connection: Option<Connection>,
    closed: bool,
    group: Option<Group>,
    groups: u64,
    committed: Option<Arc<Notify>>,
    trouble: Arc<Mutex<Option<String>>>,
}

/// Use-cases that share a transaction.
struct Group {
    number: u64,
    members: u32,
    opened: Instant,
    emitted: bool,
    outcome: watch::Sender<Option<Result<(), DbError>>>,
}

impl Writer {
    /// Opens the connection at once, so that a broken file is found at the start. `committed` is told of commits that
    /// emitted; `trouble` holds what the newest begin or commit failed with, if it did.
    pub(crate) fn open(
        path: PathBuf,
        limits: Limits,
        committed: Option<Arc<Notify>>,
        trouble: Arc<Mutex<Option<String>>>,
    ) -> Result<Self, OpenError> {
        let connection = Connection::writer(&path, &limits)?;
        connection.insist_on_soundness(&path)?;
        let connection = Some(connection);
        let lane = Lane { path, limits, connection, closed: false, group: None, groups: 0, committed, trouble };
        Ok(Self { lane: Arc::new(tokio::sync::Mutex::new(lane)), limits, runtime: Handle::current() })
    }

    /// Waits for the turn and opens a savepoint in the open group, or in a new one.
    pub(crate) async fn turn(&self) -> Result<Turn, DbError> {
        let lane = Arc::clone(&self.lane).lock_owned();
        let mut turn = timeout(self.limits.acquire, lane).await.map_err(|_| DbError::Busy)?;
        if turn.group.as_ref().is_some_and(|group| turn.is_full(group)) {
            turn = self.aside(turn, Lane::commit).await?;
        }
        if turn.group.is_none() {
            // Queued before BEGIN may wait: a caller that goes away then leaves a group that somebody ends.
            self.commit_after_those_who_wait(turn.groups + 1);
            if matches!(turn.begin(), Err(DbError::Conflict)) {
                turn = self.aside(turn, Lane::begin_blocking).await?;
            }
        }
        turn.with(|connection| connection.control("SAVEPOINT member"))?;
        Ok(turn)
    }

    /// Commits what is open and lets nobody in any more.
    pub(crate) async fn close(&self) {
        let turn = Arc::clone(&self.lane).lock_owned().await;
        let closing = self.runtime.spawn_blocking(move || {
            let mut turn = turn;
            turn.commit();
            turn.connection = None;
            turn.closed = true;
        });
        if let Err(error) = closing.await {
            tracing::error!(error = %error, "closing the writer failed");
        }
    }

    fn commit_after_those_who_wait(&self, number: u64) {
        let lane = Arc::clone(&self.lane);
        self.runtime.spawn_blocking(move || {
            let mut turn = lane.blocking_lock_owned();
            if turn.group.as_ref().is_some_and(|group| group.number == number) {
                turn.commit();
            }
        });
    }

    /// Runs what may block on the blocking pool. The turn goes along, so a caller that goes away stops nothing.
    async fn aside(&self, mut turn: Turn, work: fn(&mut Lane)) -> Result<Turn, DbError> {
        let working = self.runtime.spawn_blocking(move || {
            work(&mut turn);
            turn
        });
        working.await.map_err(|error| DbError::Unavailable(error.to_string()))
    }
}

impl Lane {
    fn is_full(&self, group: &Group) -> bool {
        group.members >= self.limits.group_members || group.opened.elapsed() > self.limits.group_age
    }

    /// Opens a group without waiting.
    fn begin(&mut self) -> Result<(), DbError> {
        if self.closed {
            return Err(DbError::Unavailable("the database is closed".to_owned()));
        }
        if self.connection.is_none() {
            let opened = Connection::writer(&self.path, &self.limits);
            self.connection = Some(opened.map_err(|error| self.note(DbError::Unavailable(error.to_string())))?);
        }
        match self.control("BEGIN IMMEDIATE") {
            Ok(()) => {}
            Err(DbError::Conflict) => return Err(DbError::Conflict),
            Err(error) => {
                self.connection = None;
                return Err(self.note(error));
            }
        }
        self.groups += 1;
        let outcome = watch::Sender::new(None);
        let opened = Instant::now();
        self.group = Some(Group { number: self.groups, members: 0, opened, emitted: false, outcome });
        Ok(())
    }

    /// Opens a group, waiting for a stranger's lock up to the lock limit.
    fn begin_blocking(&mut self) {
        let limit = self.limits.lock;
        if let Some(connection) = &self.connection {
            let waiting = connection.block_for(limit);
            let begun = waiting.and_then(|()| self.begin());
            if let Some(connection) = &self.connection
                && let Err(error) = connection.block_for(std::time::Duration::ZERO)
            {
                tracing::warn!(%error, "the busy time-out could not be reset");
            }
            if let Err(error) = begun {
                self.note(error);
            }
        }
    }

    /// Ends the group and tells its members.
    fn commit(&mut self) {
        let Some(group) = self.group.take() else { return };
        let outcome = match self.control("COMMIT") {
            Ok(()) => {
                self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take();
                Ok(())
            }
            // What the log holds decides at the next opening; nobody can say now.
            Err(error) => {
                self.connection = None;
                Err(self.note(DbError::Unknown(error.to_string())))
            }
        };
        if outcome.is_ok()
            && group.emitted
            && let Some(committed) = &self.committed
        {
            committed.notify_one();
        }
        group.outcome.send_replace(Some(outcome));
    }

    /// Executes on the open transaction. An error after which SQLite has rolled back by itself, or cannot be trusted,
    /// fails the group and closes the connection.
    pub(crate) fn with<T>(&mut self, work: impl FnOnce(&Connection) -> Result<T, DbError>) -> Result<T, DbError> {
        if self.group.is_none() {
            return Err(self.unavailable());
        }
        let connection = self.connection.as_ref().ok_or_else(|| self.unavailable())?;
        let result = work(connection);
        let rolled_back = connection.is_autocommit();
        match &result {
            // The connection is sound: the others of the group lost their work to a slow neighbour, and run again.
            Err(DbError::Deadline) if rolled_back => self.end_with(DbError::Conflict),
            Err(error) if rolled_back || matches!(error, DbError::Unavailable(_)) => {
                let error = self.note(DbError::Unavailable(error.to_string()));
                self.fail(error);
            }
            _ => {}
        }
        result
    }

    /// Keeps the member's work: it is answered when the group's commit is known.
    pub(crate) fn keep(&mut self, emitted: bool) -> Result<Ticket, DbError> {
        self.with(|connection| connection.control("RELEASE member"))?;
        let unavailable = self.unavailable();
        let group = self.group.as_mut().ok_or(unavailable)?;
        group.members += 1;
        group.emitted |= emitted;
        Ok(group.outcome.subscribe())
    }

    /// Takes the member's work back and leaves the others' alone. A ticket when there are others: what the member saw
    /// of them is true only once they are committed.
    pub(crate) fn take_back(&mut self) -> Option<Ticket> {
        self.group.as_ref()?;
        let undone = self.with(|connection| {
            connection.control("ROLLBACK TO member").and_then(|()| connection.control("RELEASE member"))
        });
        if let Err(error) = undone {
            self.fail(DbError::Unavailable(error.to_string()));
        }
        self.group.as_ref().filter(|group| group.members > 0).map(|group| group.outcome.subscribe())
    }

    fn fail(&mut self, error: DbError) {
        // Dropping the connection rolls back whatever SQLite has not rolled back already.
        self.connection = None;
        self.end_with(error);
    }

    /// Tells the members of a group that is rolled back.
    fn end_with(&mut self, error: DbError) {
        if let Some(group) = self.group.take() {
            group.outcome.send_replace(Some(Err(error)));
        }
    }

    fn control(&mut self, sql: &str) -> Result<(), DbError> {
        self.connection.as_ref().ok_or_else(|| self.unavailable())?.control(sql)
    }

    fn unavailable(&self) -> DbError {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
        DbError::Unavailable(trouble.unwrap_or_else(|| "the database is closed".to_owned()))
    }

    /// Remembers what stands between the database and writing, for health.
    fn note(&self, error: DbError) -> DbError {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sea_orm::{DbBackend, Statement};

    fn insert(bytes: i64) -> Statement {
        Statement::from_sql_and_values(DbBackend::Sqlite, "INSERT INTO blob VALUES (zeroblob(?))", [bytes.into()])
    }

    async fn keep(writer: &Writer, statement: &Statement) -> Result<(), DbError> {
        let mut turn = writer.turn().await?;
        let written = turn.with(|connection| connection.execute(statement));
        let ticket = match written {
            Ok(_) => turn.keep(false)?,
            Err(error) => {
                turn.take_back();
                return Err(error);
            }
        };
        drop(turn);
        let mut ticket = ticket;
        let outcome = ticket.wait_for(Option::is_some).await.map_err(|_| DbError::Busy)?.clone();
        outcome.unwrap_or(Err(DbError::Busy))
    }

    /// A full disk makes SQLite roll back by itself. Whoever believes that the transaction is still open says "kept"
    /// to writes that are gone. Here the connection is
    /// closed, and the next turn opens another.
    #[tokio::test]
    async fn after_a_full_disk_what_is_acknowledged_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("full.db");
        rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE blob (b BLOB) STRICT").unwrap();
        let trouble = Arc::default();
        let writer = Writer::open(path.clone(), Limits::default(), None, Arc::clone(&trouble)).unwrap();
        let mut turn = writer.turn().await.unwrap();
        turn.with(|connection| connection.control("PRAGMA max_page_count = 10")).unwrap();
        turn.take_back();
        drop(turn);
        let full = keep(&writer, &insert(1_000_000)).await;
        assert!(matches!(full, Err(DbError::Unavailable(_))), "{full:?}");
        assert!(trouble.lock().unwrap().is_some());
        for _ in 0..10 {
            keep(&writer, &insert(10)).await.unwrap();
        }
        assert!(trouble.lock().unwrap().is_none());
        let stored = rusqlite::Connection::open(&path).unwrap();
        let rows: i64 = stored.query_row("SELECT count(*) FROM blob", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 10);
    }

    #[tokio::test]
    async fn a_group_ends_although_the_last_one_waiting_goes_away() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("wait.db");
        rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE blob (b BLOB) STRICT").unwrap();
        let writer = Writer::open(path, Limits::default(), None, Arc::default()).unwrap();
        let mut turn = writer.turn().await.unwrap();
        let mut waiting = Box::pin(writer.turn());
        assert!(futures_util::poll!(&mut waiting).is_pending());
        turn.with(|connection| connection.execute(&insert(1))).unwrap();
        let mut ticket = turn.keep(false).unwrap();
        drop(turn);
        drop(waiting);
        let outcome = ticket.wait_for(Option::is_some).await.unwrap().clone();
        assert_eq!(outcome, Some(Ok(())));
    }
}
