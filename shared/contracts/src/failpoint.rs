//! Points at which a test ends the process, as a power cut would. Rule: named from outside, by `CLEAVE_FAILPOINTS`; a
//! release build has none of it, and refuses the variable, unless it was built with the feature `failpoints`.
//!
//! It stands here because the adapters of the bus and of the database have nothing else in common. The crate `fail` would
//! bring a registry with random choices and panics; a panic is caught on every path that matters, and what is needed is
//! the one action that cannot be: `abort`, at a passage that is counted.

use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Whether this build has them.
pub const COMPILED_IN: bool = cfg!(any(debug_assertions, feature = "failpoints"));

/// Where a process may be told to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// A use-case has done its work, and nothing of it is committed.
    BeforeCommit,
    /// A command is committed, and its client has no answer.
    BeforeAnswer,
    /// A batch was handed to the bus, which has not said what became of it.
    BeforeConfirm,
    /// The bus has taken a batch, and the outbox does not know.
    BeforeMark,
    /// An effect is committed, and whoever brought the event does not know.
    BeforeAck,
    /// A listener has failed and its work is taken back; the failure is noted nowhere.
    BeforeNote,
    /// An event that came too early is put aside, and not yet kept.
    MidPark,
    /// A dead event was handed back to its listener, and the transaction is open.
    MidRetry,
    /// A retried event has had its effect, and the transaction is open.
    MidReplay,
    /// Some of a start's migrations ran.
    MidMigration,
}

impl Point {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::BeforeCommit,
        Self::BeforeAnswer,
        Self::BeforeConfirm,
        Self::BeforeMark,
        Self::BeforeAck,
        Self::BeforeNote,
        Self::MidPark,
        Self::MidRetry,
        Self::MidReplay,
        Self::MidMigration,
    ];

    /// What it is called in `CLEAVE_FAILPOINTS`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BeforeCommit => "db::before_commit",
            Self::BeforeAnswer => "command::before_answer",
            Self::BeforeConfirm => "bus::before_confirm",
            Self::BeforeMark => "relay::before_mark",
            Self::BeforeAck => "inbox::before_ack",
            Self::BeforeNote => "inbox::before_note",
            Self::MidPark => "inbox::mid_park",
            Self::MidRetry => "dead::mid_retry",
            Self::MidReplay => "inbox::mid_replay",
            Self::MidMigration => "migrate::mid",
        }
    }
}

/// A point at which this process ends.
#[derive(Debug)]
struct Armed {
    point: Point,
    /// At which passage, from 1.
    nth: u64,
    passed: AtomicU64,
}

static ARMED: OnceLock<Vec<Armed>> = OnceLock::new();

/// Arms points: `relay::before_mark=abort@3` ends the process at the third passage, several are separated by commas, and
/// without a number it is the first. Only the first call of a process counts.
///
/// # Errors
/// Why the text means nothing.
pub fn arm(text: &str) -> Result<(), String> {
    let armed = text.split(',').map(|one| read(one.trim())).collect::<Result<Vec<_>, _>>()?;
    // Settings may be read more than once.
    let _ = ARMED.set(armed);
    Ok(())
}

/// Says that the process is here.
#[inline]
pub fn pass(point: Point) {
    if COMPILED_IN && let Some(armed) = ARMED.get() {
        armed.iter().filter(|one| one.point == point && one.is_due()).for_each(end);
    }
}

impl Armed {
    /// Counts the passage.
    fn is_due(&self) -> bool {
        self.passed.fetch_add(1, Ordering::Relaxed) + 1 == self.nth
    }
}

fn end(armed: &Armed) {
    // Nobody may be left to read it.
    let _ = writeln!(std::io::stderr(), "failpoint {}, passage {}: aborts", armed.point.name(), armed.nth);
    std::process::abort();
}

fn read(text: &str) -> Result<Armed, String> {
    let form = || format!("has \"{text}\" where NAME=abort or NAME=abort@PASSAGE is expected");
    let (name, action) = text.split_once('=').ok_or_else(form)?;
    let point = Point::ALL.into_iter().find(|point| point.name() == name);
    let point =
        point.ok_or_else(|| format!("names {name}, which is none of {}", Point::ALL.map(Point::name).join(", ")))?;
    let nth = match action.split_once('@') {
        None if action == "abort" => Some(1),
        Some(("abort", nth)) => nth.parse().ok().filter(|nth| *nth > 0),
        _ => None,
    };
    Ok(Armed { point, nth: nth.ok_or_else(form)?, passed: AtomicU64::new(0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_due_at_its_passage_alone() {
        let armed = read("relay::before_mark=abort@3").unwrap();
        assert_eq!(armed.point, Point::BeforeMark);
        assert_eq!([(); 5].map(|()| armed.is_due()), [false, false, true, false, false]);
        assert!(read("inbox::mid_park=abort").unwrap().is_due());
    }

    #[test]
    fn what_means_nothing_is_refused() {
        for text in
            ["", "relay::before_mark", "relay::nowhere=abort", "relay::before_mark=abort@0", "db::before_commit=panic"]
        {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_point_has_a_name_of_its_own() {
        for point in Point::ALL {
            assert_eq!(read(&format!("{}=abort", point.name())).unwrap().point, point);
        }
    }

    #[test]
    fn nothing_happens_where_nothing_is_armed() {
        Point::ALL.into_iter().for_each(pass);
    }
}
