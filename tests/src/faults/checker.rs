//! What must hold when everything has come to rest, whatever happened before. Rule: each invariant is a function of the client's
//! ledger and of the tables alone; it returns what breaks it, with the ids that tie it to its cause. Each has been seen to
//! find what it is there for.

mod commands;
mod effects;
mod history;
mod streams;

use super::facts::Facts;
use super::ledger::Line;
use history::History;
use std::fmt;

/// What a violation means for whoever relies on the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Harm {
    /// Something that was acknowledged, or follows from it, is missing.
    Lost,
    /// Something is there more than once.
    Duplicated,
    /// Something happened before what came before it.
    OutOfOrder,
    /// Something is there that nobody caused.
    Phantom,
    /// Something is not at rest, or contradicts itself.
    Unsound,
}

/// An invariant that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Its number.
    pub invariant: &'static str,
    /// What that means.
    pub harm: Harm,
    /// Where.
    pub what: String,
}

impl Violation {
    pub(crate) fn new(invariant: &'static str, harm: Harm, what: String) -> Self {
        Self { invariant, harm, what }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}: {}", self.invariant, self.harm, self.what)
    }
}

/// Everything that does not hold.
#[must_use]
pub fn check(ledger: &[Line], facts: &Facts) -> Vec<Violation> {
    let history = History::of(ledger);
    let mut found = Vec::new();
    found.extend(commands::i1_acknowledged_changes_are_there(&history, facts));
    found.extend(commands::i2_refused_commands_left_no_trace(&history, facts));
    found.extend(commands::i3_one_key_has_one_effect_and_one_answer(&history, facts));
    found.extend(streams::i4_every_change_has_exactly_its_events(&history, facts));
    found.extend(streams::i5_nothing_comes_from_nowhere(facts));
    found.extend(effects::i6_every_event_has_its_effects(facts));
    found.extend(effects::i7_effects_are_in_order(facts));
    found.extend(effects::i8_nobody_is_told_twice(facts));
    found.extend(streams::i9_what_is_published_was_taken(facts));
    found.extend(effects::i10_domains_agree(facts));
    found.extend(streams::i11_dead_letters_can_be_brought_on(facts));
    found.extend(streams::i12_the_files_are_sound(facts));
    found.extend(commands::i13_versions_never_decrease(&history));
    found.extend(streams::i14_nothing_is_held_open(facts));
    found.extend(streams::i17_everything_is_at_rest(facts));
    found
}

/// The same of the effects alone, where no client wrote down what it asked for.
#[must_use]
pub fn check_effects(facts: &Facts) -> Vec<Violation> {
    let mut found = streams::i5_nothing_comes_from_nowhere(facts);
    found.extend(effects::i6_every_event_has_its_effects(facts));
    found.extend(effects::i7_effects_are_in_order(facts));
    found.extend(effects::i8_nobody_is_told_twice(facts));
    found.extend(streams::i9_what_is_published_was_taken(facts));
    found.extend(streams::i11_dead_letters_can_be_brought_on(facts));
    found
}

/// How many commands the ledger holds whose outcome was unknown at first, and how many of those are still unknown.
#[must_use]
pub fn unknown(ledger: &[Line]) -> (usize, usize) {
    let history = History::of(ledger);
    let unknown = history.commands.values().filter(|asked| asked.unknown > 0);
    let open = history.commands.values().filter(|asked| !asked.is_known()).count();
    (unknown.count(), open)
}
