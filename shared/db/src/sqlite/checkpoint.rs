//! Keeping the write-ahead log short. Rule: checkpoints run in the background on a connection of their own, because
//! one that happens inside a commit is what makes the slowest writes slow.

use super::connection::Connection;
use crate::options::Limits;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// Between two looks at the log's size.
const LOOK: Duration = Duration::from_secs(1);
/// A log shorter than this is left alone while writes go on.
const WORTH_IT: u64 = 1 << 20;
/// A log this long means that a reader holds it, or that the disk is too slow.
const ALARM: u64 = 256 << 20;

/// Runs until it is dropped: copies the log back into the database as it grows, and empties it when nobody writes.
pub(crate) async fn keep_short(path: PathBuf, limits: Limits) {
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before = 0;
    loop {
        ticks.tick().await;
        let size = log_size(&path);
        let idle = size == before && size > 0;
        before = size;
        if size > ALARM {
            tracing::warn!(database = %path.display(), wal_bytes = size, "the write-ahead log is too long: a reader holds it");
        }
        if idle || size > WORTH_IT {
            let path = path.clone();
            let mode = if idle { "TRUNCATE" } else { "PASSIVE" };
            let done = tokio::task::spawn_blocking(move || checkpoint(&path, &limits, mode)).await;
            if let Ok(Err(error)) = done {
                tracing::debug!(error, "checkpoint put off");
            }
        }
    }
}

/// Copies the whole log back and empties it; at shutdown.
pub(crate) fn truncate(path: &Path, limits: &Limits) {
    if let Err(error) = checkpoint(path, limits, "TRUNCATE") {
        tracing::warn!(error, database = %path.display(), "the last checkpoint failed; the next start does it");
    }
}

fn checkpoint(path: &Path, limits: &Limits, mode: &str) -> Result<(), String> {
    let connection = Connection::writer(path, limits).map_err(|error| error.to_string())?;
    connection.control(&format!("PRAGMA wal_checkpoint({mode})")).map_err(|error| error.to_string())
}

fn log_size(path: &Path) -> u64 {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(log).map_or(0, |file| file.len())
}
