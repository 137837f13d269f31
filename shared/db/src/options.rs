//! How a database is opened. Rule: every wait has a bound, and the bounds nest.

use crate::postgres::Server;
use contracts::{Clock, SystemClock};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What [`crate::Db::open`] needs.
#[derive(Debug, Clone)]
pub struct DbOptions {
    /// Where the rows are.
    pub store: Store,
    /// Connections that read, opened when they are needed.
    pub readers: usize,
    /// Connections that write, opened when they are needed. PostgreSQL only: a SQLite file has one.
    pub writers: usize,
    /// The source of `Tx::now` and of ids.
    pub clock: Arc<dyn Clock>,
    /// The bounds.
    pub limits: Limits,
    /// Whether a commit that emitted events fires [`crate::Db::committed`]. Off, polling alone moves events.
    pub wake_up: bool,
}

/// Where the rows are.
#[derive(Debug, Clone)]
pub enum Store {
    /// A SQLite file.
    File(PathBuf),
    /// A schema of a PostgreSQL database.
    Postgres(Server),
}

impl DbOptions {
    /// The defaults for a SQLite file: eight readers, the system's clock.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::of(Store::File(path.into()), 8)
    }

    /// The defaults for a schema of a PostgreSQL database: four readers, six writers, the system's clock. The URL is
    /// checked when the database is opened.
    #[must_use]
    pub fn postgres(url: impl Into<String>, schema: impl Into<String>) -> Self {
        Self::of(Store::Postgres(Server::new(url, schema)), 4)
    }

    fn of(store: Store, readers: usize) -> Self {
        let clock = Arc::new(SystemClock);
        Self { store, readers, writers: 6, clock, limits: Limits::default(), wake_up: true }
    }
}

/// Bounds of waits and of groups.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Waiting for the writer's turn, or for a connection.
    pub acquire: Duration,
    /// Waiting for a lock: on SQLite one that a stranger holds on the file, on PostgreSQL one on a row or a table.
    pub lock: Duration,
    /// One statement.
    pub statement: Duration,
    /// PostgreSQL: a server that has not answered a statement for so long is given up, with the connection.
    pub silence: Duration,
    /// PostgreSQL: a transaction in which nothing happens is ended by the server.
    pub idle_in_transaction: Duration,
    /// PostgreSQL: the greatest age of a connection, at most five minutes.
    pub lifetime: Duration,
    /// SQLite: use-cases that share one commit.
    pub group_members: u32,
    /// SQLite: age at which a group takes no further member.
    pub group_age: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            acquire: Duration::from_secs(1),
            lock: Duration::from_secs(1),
            statement: Duration::from_secs(2),
            silence: Duration::from_secs(3),
            idle_in_transaction: Duration::from_secs(5),
            lifetime: Duration::from_secs(300),
            group_members: 64,
            group_age: Duration::from_millis(2),
        }
    }
}
