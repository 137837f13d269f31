//! One table of all that was measured. Rule: it holds what a reader needs to judge it: the figures, the ratios, what each must be,
//! and whether it is.

use super::figures::Figures;
use super::goal::{Bound, Goal};
use super::side::Side;
use std::collections::BTreeSet;
use std::fmt;

/// What was measured, and what must be.
#[derive(Debug, Default)]
pub struct Table {
    figures: Vec<(String, Side, Figures)>,
    goals: Vec<Goal>,
    refusals: Vec<String>,
    notes: Vec<String>,
}

impl Table {
    /// Figures of a side.
    pub fn figures(&mut self, of: String, side: Side, figures: Figures) {
        self.figures.push((of, side, figures));
    }

    /// A goal, and what is.
    pub fn add(&mut self, goal: Goal) {
        self.goals.push(goal);
    }

    /// Leaves out the goals of other names: what was measured on the way to those that were asked for.
    pub fn only(&mut self, names: &BTreeSet<&'static str>) {
        self.goals.retain(|goal| names.contains(goal.name));
    }

    /// What was refused: nothing may be.
    pub fn refused(&mut self, refusals: &[String]) {
        self.refusals.extend_from_slice(refusals);
    }

    /// What was not measured, or how.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// What is not even half of what it must be: the names of the goals, and of what.
    #[must_use]
    pub fn far_off(&self) -> BTreeSet<(&'static str, String)> {
        self.goals.iter().filter(|goal| goal.is_far_off()).map(|goal| (goal.name, goal.what.clone())).collect()
    }

    /// Whether that was measured and is not far off.
    #[must_use]
    pub fn comes_near(&self, (name, what): &(&'static str, String)) -> bool {
        self.goals.iter().any(|goal| goal.name == *name && goal.what == *what && !goal.is_far_off())
    }

    /// Whether something was refused.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        !self.refusals.is_empty()
    }

    /// Whether something is not what it must be, or was refused.
    #[must_use]
    pub fn is_missed(&self) -> bool {
        self.is_refused() || self.goals.iter().any(|goal| !goal.is_met())
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = |of: std::time::Duration| of.as_secs_f64() * 1_000.0;
        write!(f, "{:>7.0}/s  p50 {:>7.2} ms  p99 {:>7.2} ms", self.rate, millis(self.p50), millis(self.p99))
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = "";
        for (of, side, figures) in &self.figures {
            let shown = if of == last { "" } else { of };
            writeln!(f, "{shown:<24} {side:<24} {figures}")?;
            last = of;
        }
        writeln!(f, "\n{:<4} {:<52} {:>10} {:>10} {:>8}", "goal", "what", "is", "must", "wanted")?;
        for goal in &self.goals {
            let sign = if goal.bound == Bound::AtLeast { ">=" } else { "<=" };
            let bound = |bound: Option<f64>| bound.map(|bound| format!("{sign} {bound}")).unwrap_or_default();
            let is = format!("{:.2}{}", goal.is, goal.unit);
            let verdict = match (goal.must, goal.is_met(), goal.is_more_than_met()) {
                (None, _, true) | (Some(_), true, true) => "met, and what was wanted",
                (None, _, false) => "",
                (Some(_), true, false) => "met",
                (Some(_), false, _) => "MISSED",
            };
            let (must, wanted) = (bound(goal.must), bound(goal.wanted));
            let line = format!("{:<4} {:<52} {is:>10} {must:>10} {wanted:>8}  {verdict}", goal.name, goal.what);
            writeln!(f, "{}", if goal.from.is_empty() { line } else { format!("{line}  ({})", goal.from) })?;
        }
        self.refusals.iter().try_for_each(|refusal| writeln!(f, "REFUSED {refusal}"))?;
        self.notes.iter().try_for_each(|note| writeln!(f, "{note}"))
    }
}
