//! One SQLite connection. Rule: every statement has a deadline, held by the progress handler, and no way to another
//! domain's file; every error is sorted into what the caller can do about it.

use super::value::{Bound, decode};
use crate::error::{DbError, OpenError};
use crate::options::Limits;
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{ErrorCode, OpenFlags};
use sea_orm::Statement;
use sea_orm::sea_query::{ColumnType, Value};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long the look for damage may take at the start. A larger file is looked at up to there.
const LOOK: Duration = Duration::from_millis(500);

/// KiB of pages that a connection that reads keeps. Up to eight of them are open for a file, so that what each keeps counts
/// eight times; the inner pages of the indexes are what pays, and the system keeps the file itself.
const KEPT: u32 = 512;

/// SQLite's virtual machine steps between two looks at the deadline: about 0.1 ms.
const STEPS: i32 = 10_000;

/// A connection whose statements end at their deadline.
pub(crate) struct Connection {
    raw: rusqlite::Connection,
    started: Instant,
    /// Milliseconds since `started` at which the running statement is interrupted.
    deadline: Arc<AtomicU64>,
    limit: Duration,
}

impl Connection {
    /// The one that writes.
    pub(super) fn writer(path: &Path, limits: &Limits) -> Result<Self, OpenError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Self::open(path, flags, limits).map_err(|source| open_error(path, source))?;
        connection
            .raw
            .execute_batch(
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;
                 PRAGMA journal_size_limit=67108864; PRAGMA wal_autocheckpoint=10000; PRAGMA temp_store=MEMORY;",
            )
            .map_err(|source| open_error(path, source))?;
        connection.insist(path, "journal_mode", "wal")?;
        connection.insist(path, "synchronous", "2")?;
        connection.insist(path, "foreign_keys", "1")?;
        Ok(connection)
    }

    /// One that reads.
    pub(super) fn reader(path: &Path, limits: &Limits) -> Result<Self, OpenError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Self::open(path, flags, limits).map_err(|source| open_error(path, source))?;
        // Only the last reader of a closing database can be told BUSY, for an instant.
        connection.raw.busy_timeout(limits.lock).map_err(|source| open_error(path, source))?;
        let keeps = format!("PRAGMA cache_size=-{KEPT}");
        connection.raw.execute_batch(&keeps).map_err(|source| open_error(path, source))?;
        Ok(connection)
    }

    fn open(path: &Path, flags: OpenFlags, limits: &Limits) -> rusqlite::Result<Self> {
        let raw = rusqlite::Connection::open_with_flags(path, flags)?;
        raw.busy_timeout(Duration::ZERO)?;
        raw.set_prepared_statement_cache_capacity(256);
        // What is another domain's is in another file; on PostgreSQL a role says so.
        raw.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
        // Otherwise a statement with `LIMIT ?` is parsed and planned anew each time it is run, in case the plan depends on
        // the number.
        raw.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        let started = Instant::now();
        let deadline = Arc::new(AtomicU64::new(u64::MAX));
        let seen = Arc::clone(&deadline);
        raw.progress_handler(STEPS, Some(move || millis(started) > seen.load(Ordering::Relaxed)))?;
        Ok(Self { raw, started, deadline, limit: limits.statement })
    }

    /// Refuses to serve when a pragma that durability rests on did not take.
    fn insist(&self, path: &Path, setting: &'static str, expected: &'static str) -> Result<(), OpenError> {
        let found = self
            .raw
            .pragma_query_value(None, setting, |row| {
                row.get_ref(0).map(|value| match value {
                    rusqlite::types::ValueRef::Integer(number) => number.to_string(),
                    other => other.as_str().map(str::to_lowercase).unwrap_or_default(),
                })
            })
            .map_err(|source| open_error(path, source))?;
        if found == expected {
            return Ok(());
        }
        Err(OpenError::Setting { path: path.to_owned(), setting, found, expected })
    }

    /// Refuses to serve a file whose pages do not fit together: what is written into it is lost with the rest.
    ///
    /// # Errors
    /// [`OpenError::Damaged`], with the first thing that does not fit.
    pub(super) fn insist_on_soundness(&self, path: &Path) -> Result<(), OpenError> {
        self.arm_for(LOOK);
        let found = match self.raw.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0)) {
            Ok(found) if found == "ok" => return Ok(()),
            Ok(found) => found,
            Err(error) => match sort(&error) {
                DbError::Deadline => {
                    tracing::debug!(database = %path.display(), "it is too large to be looked at whole at every start");
                    return Ok(());
                }
                // A stranger holds it; whoever needs it waits for it.
                DbError::Conflict => return Ok(()),
                _ => error.to_string(),
            },
        };
        Err(OpenError::Damaged { path: path.to_owned(), found })
    }

    /// Runs a statement without parameters: BEGIN, SAVEPOINT, PRAGMA.
    pub(super) fn control(&self, sql: &str) -> Result<(), DbError> {
        self.arm();
        let mut statement = self.raw.prepare_cached(sql).map_err(|error| sort(&error))?;
        let mut rows = statement.raw_query();
        while rows.next().map_err(|error| sort(&error))?.is_some() {}
        Ok(())
    }

    /// How long SQLite itself may block for a lock that a stranger holds.
    pub(super) fn block_for(&self, limit: Duration) -> Result<(), DbError> {
        self.raw.busy_timeout(limit).map_err(|error| sort(&error))
    }

    /// True when no transaction is open, also after a rollback that SQLite did by itself.
    pub(super) fn is_autocommit(&self) -> bool {
        self.raw.is_autocommit()
    }

    /// Executes; rows changed.
    pub(crate) fn execute(&self, statement: &Statement) -> Result<u64, DbError> {
        self.arm();
        let mut prepared = self.raw.prepare_cached(&statement.sql).map_err(|error| sort(&error))?;
        bind(&mut prepared, statement)?;
        let changed = prepared.raw_execute().map_err(|error| sort(&error))?;
        Ok(u64::try_from(changed).unwrap_or_default())
    }

    /// Rows, each column read as its type says.
    pub(crate) fn query(&self, statement: &Statement, columns: &[ColumnType]) -> Result<Vec<Vec<Value>>, DbError> {
        self.arm();
        let mut prepared = self.raw.prepare_cached(&statement.sql).map_err(|error| sort(&error))?;
        if prepared.column_count() != columns.len() {
            let found = prepared.column_count();
            return Err(DbError::Decode(format!("{} columns asked for, {found} selected", columns.len())));
        }
        bind(&mut prepared, statement)?;
        let mut rows = prepared.raw_query();
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(|error| sort(&error))? {
            let mut values = Vec::with_capacity(columns.len());
            for (index, column) in columns.iter().enumerate() {
                values.push(decode(row.get_ref(index).map_err(|error| sort(&error))?, column)?);
            }
            found.push(values);
        }
        Ok(found)
    }

    fn arm(&self) {
        self.arm_for(self.limit);
    }

    fn arm_for(&self, limit: Duration) {
        let limit = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        self.deadline.store(millis(self.started).saturating_add(limit), Ordering::Relaxed);
    }
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn bind(prepared: &mut rusqlite::Statement<'_>, statement: &Statement) -> Result<(), DbError> {
    for (index, value) in statement.values.iter().flat_map(|values| values.0.iter()).enumerate() {
        prepared.raw_bind_parameter(index + 1, Bound(value)).map_err(|error| sort(&error))?;
    }
    Ok(())
}

fn open_error(path: &Path, source: rusqlite::Error) -> OpenError {
    OpenError::Open { path: path.to_owned(), source }
}

/// Sorts an error of SQLite into what can be done about it.
fn sort(error: &rusqlite::Error) -> DbError {
    const UNIQUE: i32 = 2067;
    const PRIMARY_KEY: i32 = 1555;
    const ROWID: i32 = 2579;
    let rusqlite::Error::SqliteFailure(code, message) = error else {
        return DbError::Statement(error.to_string());
    };
    match code.code {
        ErrorCode::ConstraintViolation if [UNIQUE, PRIMARY_KEY, ROWID].contains(&code.extended_code) => {
            let text = message.clone().unwrap_or_default();
            let constraint = text.rsplit_once("failed: ").map_or(text.as_str(), |(_, columns)| columns).to_owned();
            DbError::Unique { constraint }
        }
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => DbError::Conflict,
        ErrorCode::OperationInterrupted => DbError::Deadline,
        ErrorCode::DiskFull
        | ErrorCode::SystemIoFailure
        | ErrorCode::OutOfMemory
        | ErrorCode::DatabaseCorrupt
        | ErrorCode::NotADatabase
        | ErrorCode::CannotOpen
        | ErrorCode::ReadOnly
        | ErrorCode::FileLockingProtocolFailed => DbError::Unavailable(error.to_string()),
        _ => DbError::Statement(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::StatementStatus;

    /// See [`Connection::open`].
    #[test]
    fn a_statement_that_was_prepared_is_not_planned_anew_for_another_limit() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("task.db");
        let limits = Limits::default();
        Connection::writer(&path, &limits).unwrap().control("CREATE TABLE task (id BLOB) STRICT").unwrap();
        let connection = Connection::reader(&path, &limits).unwrap();
        let mut page = connection.raw.prepare("SELECT id FROM task ORDER BY id LIMIT ?").unwrap();
        for limit in 1..10 {
            assert!(page.query([limit]).unwrap().next().unwrap().is_none());
        }
        assert_eq!(page.get_status(StatementStatus::RePrepare), 0);
    }

    #[test]
    fn no_statement_reaches_the_file_of_another_domain() {
        let directory = tempfile::tempdir().unwrap();
        let (own, other) = (directory.path().join("task.db"), directory.path().join("user.db"));
        let limits = Limits::default();
        Connection::writer(&other, &limits).unwrap().control("CREATE TABLE users (id BLOB) STRICT").unwrap();
        let attach = format!("ATTACH DATABASE '{}' AS other", other.display());
        for connection in [Connection::writer(&own, &limits).unwrap(), Connection::reader(&own, &limits).unwrap()] {
            let refused = connection.control(&attach);
            assert!(
                matches!(&refused, Err(DbError::Statement(why)) if why.contains("too many attached")),
                "{refused:?}"
            );
            connection.control("SELECT count(*) FROM other.users").unwrap_err();
        }
    }
}
