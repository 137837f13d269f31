//! Where instants come from. Rule: whatever is stored or compared was read from a [`Clock`], never from the
//! system directly, so that a test can move time.

use chrono::{DateTime, SubsecRound, Utc};
use std::fmt::Debug;

/// A source of wall-clock instants, in UTC, truncated to microseconds: the finest unit that both databases keep.
pub trait Clock: Send + Sync + Debug {
    /// The present instant.
    fn now(&self) -> DateTime<Utc>;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
        to_micros(Utc::now())
    }
}

/// Drops what is finer than a microsecond.
#[must_use]
pub fn to_micros(instant: DateTime<Utc>) -> DateTime<Utc> {
    instant.trunc_subsecs(6)
}
