//! A figure and what it must be. Rule: goals are ratios, or what a process may take at most; half of a goal is where a run on a
//! noisy machine fails.

/// Which side of the number is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// That much or more.
    AtLeast,
    /// That much or less.
    AtMost,
}

/// A figure and its goal.
#[derive(Debug, Clone, PartialEq)]
pub struct Goal {
    /// `G1` and so on.
    pub name: &'static str,
    /// Of what.
    pub what: String,
    /// What was measured.
    pub is: f64,
    /// What it is counted in; empty for a ratio.
    pub unit: &'static str,
    /// Which side of `must` is good.
    pub bound: Bound,
    /// What it must be; none: it is only told.
    pub must: Option<f64>,
    /// What would be better still.
    pub wanted: Option<f64>,
    /// From what it was made.
    pub from: String,
}

impl Goal {
    /// A ratio that must be so much or more.
    #[must_use]
    pub fn at_least(name: &'static str, what: impl Into<String>, is: f64, must: f64) -> Self {
        Self {
            name,
            what: what.into(),
            is,
            unit: "",
            bound: Bound::AtLeast,
            must: Some(must),
            wanted: None,
            from: String::new(),
        }
    }

    /// A figure that must be so much or less.
    #[must_use]
    pub fn at_most(name: &'static str, what: impl Into<String>, is: f64, must: f64) -> Self {
        Self { bound: Bound::AtMost, ..Self::at_least(name, what, is, must) }
    }

    /// A figure that is only told.
    #[must_use]
    pub fn told(name: &'static str, what: impl Into<String>, is: f64) -> Self {
        Self { must: None, ..Self::at_least(name, what, is, 0.0) }
    }

    /// With what would be better still.
    #[must_use]
    pub fn wanted(self, wanted: f64) -> Self {
        Self { wanted: Some(wanted), ..self }
    }

    /// Counted in that.
    #[must_use]
    pub fn unit(self, unit: &'static str) -> Self {
        Self { unit, ..self }
    }

    /// Made from that.
    #[must_use]
    pub fn from(self, from: impl Into<String>) -> Self {
        Self { from: from.into(), ..self }
    }

    /// Whether it is as it must be.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.must.is_none_or(|must| self.reaches(must))
    }

    /// Whether it is as it would be better still.
    #[must_use]
    pub fn is_more_than_met(&self) -> bool {
        self.wanted.is_some_and(|wanted| self.reaches(wanted))
    }

    /// Whether it is not even half of what it must be.
    #[must_use]
    pub fn is_far_off(&self) -> bool {
        let half = |must: f64| match self.bound {
            Bound::AtLeast => must / 2.0,
            Bound::AtMost => must * 2.0,
        };
        self.must.is_some_and(|must| !self.reaches(half(must)))
    }

    fn reaches(&self, bound: f64) -> bool {
        match self.bound {
            Bound::AtLeast => self.is >= bound,
            Bound::AtMost => self.is <= bound,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_a_goal_is_where_it_fails() {
        for (goal, met, far_off) in [
            (Goal::at_least("G1", "one", 0.6, 0.55), true, false),
            (Goal::at_least("G1", "one", 0.5, 0.55), false, false),
            (Goal::at_least("G1", "one", 0.27, 0.55), false, true),
            (Goal::at_most("G3", "p99 / p50", 4.0, 4.0), true, false),
            (Goal::at_most("G3", "p99 / p50", 7.9, 4.0), false, false),
            (Goal::at_most("G3", "p99 / p50", 8.1, 4.0), false, true),
            (Goal::at_least("G1", "one", f64::NAN, 0.55), false, true),
            (Goal::told("G1", "one", 0.0), true, false),
        ] {
            assert_eq!((goal.is_met(), goal.is_far_off()), (met, far_off), "{goal:?}");
        }
    }
}
