//! What many rounds came to, in one table. Rule: a column for each system and one for all; a row for each figure, in the form
//! that the README shows.

use super::checker::Harm;
use super::round::Round;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// What nothing of may be there.
const HARMS: [(Harm, &str); 5] = [
    (Harm::Lost, "lost"),
    (Harm::Duplicated, "duplicated"),
    (Harm::OutOfOrder, "out of order"),
    (Harm::Phantom, "phantom"),
    (Harm::Unsound, "contradictions"),
];

/// A system.
#[derive(Debug, Clone, Default)]
struct Column {
    counts: BTreeMap<&'static str, u64>,
    faults: BTreeMap<&'static str, u64>,
    recoveries: Vec<Duration>,
}

/// The table.
#[derive(Debug, Default)]
pub struct Table {
    /// In the order in which they were tried.
    columns: Vec<(&'static str, Column)>,
    /// Rounds that did not come to an end: what a system said of it.
    failures: Vec<String>,
}

impl Column {
    fn count(&mut self, figure: &'static str, number: usize) {
        *self.counts.entry(figure).or_default() += number as u64;
    }

    fn add(&mut self, other: &Self) {
        for (figure, number) in &other.counts {
            *self.counts.entry(figure).or_default() += number;
        }
        for (fault, number) in &other.faults {
            *self.faults.entry(fault).or_default() += number;
        }
        self.recoveries.extend(&other.recoveries);
        self.recoveries.sort_unstable();
    }
}

impl From<&Round> for Column {
    fn from(round: &Round) -> Self {
        let (mut column, report) = (Self::default(), &round.report);
        column.count("rounds, each checked", 1);
        column.count("operations", report.commands);
        column.count("acknowledged", report.acknowledged);
        column.count("events", report.events);
        column.count("unknown outcomes, all resolved", report.unknown - report.open);
        for (harm, figure) in HARMS {
            column.count(figure, report.count(harm));
        }
        column.count("unknown outcomes, left open", report.open);
        for (fault, times) in &round.faults {
            *column.faults.entry(fault.name()).or_default() += times;
        }
        *column.faults.entry("requests that clients gave up").or_default() += round.hung_up;
        column.recoveries.clone_from(&report.recoveries);
        column
    }
}

impl Table {
    /// Counts a round of that system in.
    pub fn add(&mut self, name: &'static str, round: &Round) {
        let column = Column::from(round);
        match self.columns.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => known.add(&column),
            None => self.columns.push((name, column)),
        }
    }

    /// Notes a round that did not come to an end.
    pub fn failed(&mut self, what: String) {
        self.failures.push(what);
    }

    /// Whether nothing was lost, duplicated, out of order or from nowhere, no outcome is open, and every round ended.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let harms = HARMS.iter().map(|(_, figure)| *figure).chain(["unknown outcomes, left open"]);
        let all = self.all();
        let harm: u64 = harms.map(|figure| all.counts.get(figure).copied().unwrap_or_default()).sum();
        harm == 0 && self.failures.is_empty() && all.counts.get("acknowledged").is_some_and(|number| *number > 0)
    }

    fn all(&self) -> Column {
        let mut all = Column::default();
        self.columns.iter().for_each(|(_, column)| all.add(column));
        all
    }

    fn line(f: &mut fmt::Formatter<'_>, title: &str, cells: impl Iterator<Item = String>) -> fmt::Result {
        writeln!(f, "| {title} | {} |", cells.collect::<Vec<_>>().join(" | "))
    }
}

/// That many of a hundred took no longer.
pub(crate) fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(at).copied().unwrap_or_default()
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut columns = self.columns.clone();
        columns.push(("all", self.all()));
        Self::line(f, "", columns.iter().map(|(name, _)| (*name).to_owned()))?;
        Self::line(f, "---", columns.iter().map(|_| "--:".to_owned()))?;
        let figures = ["rounds, each checked", "operations", "acknowledged", "events"];
        let outcomes = ["unknown outcomes, all resolved", "unknown outcomes, left open"];
        let counted = |figure: &'static str| columns.iter().map(move |(_, column)| number(&column.counts, figure));
        for figure in figures {
            Self::line(f, figure, counted(figure))?;
        }
        for fault in self.all().faults.keys() {
            Self::line(f, fault, columns.iter().map(|(_, column)| number(&column.faults, fault)))?;
        }
        for figure in HARMS.iter().map(|(_, figure)| *figure).chain(outcomes) {
            Self::line(f, figure, counted(figure))?;
        }
        for (title, percent) in [("recovery p50", 50), ("recovery p95", 95), ("recovery max", 100)] {
            let cell = |(_, column): &(&str, Column)| {
                let mut sorted = column.recoveries.clone();
                sorted.sort_unstable();
                format!("{:.2} s", percentile(&sorted, percent).as_secs_f64())
            };
            Self::line(f, title, columns.iter().map(cell))?;
        }
        self.failures.iter().try_for_each(|failure| writeln!(f, "\nfailed: {failure}"))
    }
}

fn number(of: &BTreeMap<&'static str, u64>, figure: &str) -> String {
    of.get(figure).copied().unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let sorted: Vec<Duration> = (1..=20).map(Duration::from_secs).collect();
        let seconds = |percent| percentile(&sorted, percent).as_secs();
        assert_eq!((seconds(50), seconds(95), seconds(100)), (10, 19, 20));
        assert_eq!(percentile(&[], 95), Duration::ZERO);
    }

    #[test]
    fn what_did_nothing_or_did_not_end_is_not_clean() {
        let mut table = Table::default();
        assert!(!table.is_clean(), "nothing was acknowledged");
        let mut column = Column::default();
        column.count("acknowledged", 3);
        table.columns.push(("embedded", column.clone()));
        assert!(table.is_clean());
        column.count("lost", 1);
        table.columns.push(("split", column));
        assert!(!table.is_clean());
        table.columns.pop();
        table.failed("it hung".to_owned());
        assert!(!table.is_clean());
    }
}
