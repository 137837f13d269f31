//! What a client wrote down of its commands: asked, done, refused, unknown. Rule: append-only, a line each, on the disk before
//! the request is sent and before its answer counts, so that what the ledger says was acknowledged was acknowledged.

use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use tokio::sync::{mpsc, oneshot};

/// What a command asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A task is made.
    Create,
    /// Its title is changed.
    Rename,
    /// It is given to somebody else.
    Assign,
    /// It is finished.
    Complete,
    /// It is open again.
    Reopen,
    /// It is deleted.
    Delete,
    /// Something that must be refused; its title, if it has one, must be found nowhere.
    Wrong,
}

/// A command of a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Its number; those of one task were asked one after the other.
    pub op: u64,
    /// Its idempotency key.
    pub key: String,
    /// What it asks for.
    pub kind: Kind,
    /// Who asks.
    pub by: String,
    /// On which task; none while it is to be made.
    pub task: Option<String>,
    /// The title that it gives.
    pub title: Option<String>,
    /// Whom it is given to.
    pub assignee: Option<String>,
}

/// A line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub enum Line {
    /// A command is about to be sent.
    Invoke(Command),
    /// A 2xx came; also for a request that was repeated on purpose.
    Ok {
        /// Of the command.
        op: u64,
        /// The HTTP status; 404 for a repeated DELETE whose first answer was lost.
        status: u16,
        /// The task that the answer shows.
        task: Option<String>,
        /// Its version there.
        version: Option<i64>,
        /// The answer's bytes, as a number that other bytes do not have.
        answer: u64,
    },
    /// It was refused: 4xx.
    Fail {
        /// Of the command.
        op: u64,
        /// The HTTP status.
        status: u16,
    },
    /// Right after the answer its task was read, before anything else was asked of it.
    Read {
        /// Of the command.
        op: u64,
        /// The task.
        task: String,
        /// The version that was shown; none where there was no such task.
        version: Option<i64>,
    },
    /// No answer came, or one that does not tell; the same key is sent again.
    Unknown {
        /// Of the command.
        op: u64,
        /// What came instead.
        why: String,
    },
}

/// The open ledger.
#[derive(Debug, Clone)]
pub struct Ledger {
    lines: mpsc::UnboundedSender<(Line, oneshot::Sender<()>)>,
}

impl Ledger {
    /// Opens a new one.
    ///
    /// # Panics
    /// When there can be none.
    #[must_use]
    pub fn create(path: &Path) -> Self {
        let file = OpenOptions::new().create_new(true).append(true).open(path).expect("a new ledger");
        let (lines, receiver) = mpsc::unbounded_channel();
        // A thread of its own: a sync takes its time, and all that wait meanwhile share the next one.
        std::thread::spawn(move || write(file, receiver));
        Self { lines }
    }

    /// Appends a line; returns when it is on the disk.
    ///
    /// # Panics
    /// When it cannot be written.
    pub async fn append(&self, line: Line) {
        let (written, on_disk) = oneshot::channel();
        self.lines.send((line, written)).expect("the ledger's thread");
        on_disk.await.expect("the ledger's thread");
    }

    /// Reads one.
    ///
    /// # Panics
    /// When it is damaged.
    #[must_use]
    pub fn read(path: &Path) -> Vec<Line> {
        let text = std::fs::read_to_string(path).expect("the ledger");
        text.lines().map(|line| serde_json::from_str(line).expect("a line of the ledger")).collect()
    }
}

fn write(mut file: File, mut lines: mpsc::UnboundedReceiver<(Line, oneshot::Sender<()>)>) {
    while let Some(first) = lines.blocking_recv() {
        let mut together = vec![first];
        while let Ok(next) = lines.try_recv() {
            together.push(next);
        }
        let mut text = String::new();
        for (line, _) in &together {
            text.push_str(&serde_json::to_string(line).expect("a line"));
            text.push('\n');
        }
        file.write_all(text.as_bytes()).and_then(|()| file.sync_data()).expect("a ledger that can be written");
        for (_, written) in together {
            // Who waited may be gone.
            let _ = written.send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_appended_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ledger");
        let lines = [
            Line::Unknown { op: 1, why: "no answer".to_owned() },
            Line::Ok { op: 1, status: 201, task: Some("t".to_owned()), version: Some(1), answer: u64::MAX },
        ];
        let ledger = Ledger::create(&path);
        for line in lines.clone() {
            ledger.append(line).await;
        }
        assert_eq!(Ledger::read(&path), lines);
    }
}
