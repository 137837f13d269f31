//! What a run found, in figures. Rule: one line that anybody can read and compare.

use super::checker::{Harm, Violation, unknown};
use super::facts::Facts;
use super::ledger::Line;
use super::table::percentile;
use std::fmt;
use std::time::Duration;

/// The figures of a run.
#[derive(Debug)]
pub struct Report {
    name: String,
    /// Commands that clients asked for.
    pub commands: usize,
    /// Those that were acknowledged.
    pub acknowledged: usize,
    /// Events of all outboxes.
    pub events: usize,
    rate: f64,
    /// Commands whose outcome was unknown at first.
    pub unknown: usize,
    /// Those of them whose outcome is unknown still.
    pub open: usize,
    /// What does not hold.
    pub violations: Vec<Violation>,
    /// From the end of each fault to the last effect that was missing, shortest first.
    pub recoveries: Vec<Duration>,
}

impl Report {
    /// Of a run that took so long.
    #[must_use]
    pub fn new(
        name: &str,
        ledger: &[Line],
        facts: &Facts,
        violations: Vec<Violation>,
        mut recoveries: Vec<Duration>,
        took: Duration,
    ) -> Self {
        recoveries.sort_unstable();
        let commands = ledger.iter().filter(|line| matches!(line, Line::Invoke(_))).count();
        let mut acknowledged: Vec<u64> =
            ledger.iter().filter_map(|line| if let Line::Ok { op, .. } = line { Some(*op) } else { None }).collect();
        acknowledged.sort_unstable();
        acknowledged.dedup();
        let events = facts.outboxes.values().map(Vec::len).sum();
        let (unknown, open) = unknown(ledger);
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let rate = events as f64 / took.as_secs_f64();
        let name = name.to_owned();
        Self { name, commands, acknowledged: acknowledged.len(), events, rate, unknown, open, violations, recoveries }
    }

    /// How many violations mean that.
    #[must_use]
    pub fn count(&self, harm: Harm) -> usize {
        self.violations.iter().filter(|violation| violation.harm == harm).count()
    }

    /// The longest recovery.
    #[must_use]
    pub fn longest(&self) -> Duration {
        self.recoveries.last().copied().unwrap_or_default()
    }

    /// Asserts that nothing was found, every outcome is known, and every recovery took less than `bound`.
    ///
    /// # Panics
    /// When one of it is not so.
    pub fn assert_clean(&self, bound: Duration) {
        let some: Vec<String> = self.violations.iter().take(20).map(ToString::to_string).collect();
        assert!(some.is_empty(), "{self}\n{} violations, among them\n{}", self.violations.len(), some.join("\n"));
        assert_eq!(self.open, 0, "{self}");
        assert!(self.acknowledged > 0 && self.events > 0, "a load: {self}");
        assert!(self.longest() < bound, "{self}: recovered only after {:?}", self.longest());
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [median, most] = [50, 95].map(|percent| percentile(&self.recoveries, percent));
        write!(
            f,
            "{}: {} commands ({} acknowledged), {} events ({:.0}/s), {} unknown outcomes resolved, {} open, \
             lost {}, duplicated {}, out of order {}, phantom {}, unsound {}, {} recoveries p50 {:.2} s p95 {:.2} s max {:.2} s",
            self.name,
            self.commands,
            self.acknowledged,
            self.events,
            self.rate,
            self.unknown - self.open,
            self.open,
            self.count(Harm::Lost),
            self.count(Harm::Duplicated),
            self.count(Harm::OutOfOrder),
            self.count(Harm::Phantom),
            self.count(Harm::Unsound),
            self.recoveries.len(),
            median.as_secs_f64(),
            most.as_secs_f64(),
            self.longest().as_secs_f64(),
        )
    }
}
