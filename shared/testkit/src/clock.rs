//! Time that a test moves. Rule: it stands still by itself, so a wait ends when the test says so and never earlier.

use chrono::{DateTime, TimeDelta, Utc};
use contracts::Clock;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// 2026-01-01T00:00:00Z in microseconds.
const FIRST: i64 = 1_767_225_600_000_000;

/// A clock that starts at 2026-01-01T00:00:00Z and goes on by a microsecond each time it is read, so that what
/// happened later also has a later time.
#[derive(Debug, Clone)]
pub struct TestClock {
    micros: Arc<AtomicI64>,
}

impl TestClock {
    /// A new clock.
    #[must_use]
    pub fn new() -> Self {
        Self::at(FIRST)
    }

    /// One that starts at so many microseconds since 1970.
    #[must_use]
    pub(crate) fn at(micros: i64) -> Self {
        Self { micros: Arc::new(AtomicI64::new(micros)) }
    }

    /// What it shows, in microseconds since 1970, without going on.
    pub(crate) fn micros(&self) -> i64 {
        self.micros.load(Ordering::SeqCst)
    }

    /// Moves it forward.
    pub fn advance(&self, by: TimeDelta) {
        self.micros.fetch_add(by.num_microseconds().expect("a span that fits"), Ordering::SeqCst);
    }
}

impl Default for TestClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        let micros = self.micros.fetch_add(1, Ordering::SeqCst);
        DateTime::from_timestamp_micros(micros).expect("a time that fits")
    }
}
