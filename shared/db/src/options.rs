//! How a database is opened. Rule: every wait has a bound, and the bounds nest.

use contracts::{Clock, SystemClock};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What [`crate::Db::open`] needs.
#[derive(Debug, Clone)]
pub struct DbOptions {
    /// The SQLite file.
    pub path: PathBuf,
    /// Read-only connections, opened when they are needed.
    pub readers: usize,
    /// The source of `Tx::now` and of ids.
    pub clock: Arc<dyn Clock>,
    /// The bounds.
    pub limits: Limits,
    /// Whether a commit that emitted events fires [`crate::Db::committed`]. Off, polling alone moves events.
    pub wake_up: bool,
}

impl DbOptions {
    /// The defaults for a file: eight readers, the system's clock.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), readers: 8, clock: Arc::new(SystemClock), limits: Limits::default(), wake_up: true }
    }
}

/// Bounds of waits and of groups.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Waiting for the writer's turn, or for a reader.
    pub acquire: Duration,
    /// Waiting for a lock that a stranger holds on the file.
    pub lock: Duration,
    /// One statement.
    pub statement: Duration,
    /// Use-cases that share one commit.
    pub group_members: u32,
    /// Age at which a group takes no further member.
    pub group_age: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            acquire: Duration::from_secs(1),
            lock: Duration::from_secs(1),
            statement: Duration::from_secs(2),
            group_members: 64,
            group_age: Duration::from_millis(2),
        }
    }
}
