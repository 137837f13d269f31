//! What the client believes of its tasks, and what it asks for next. Rule: one command at a time on each task, so that the
//! outcome of each is known; the choice comes from a seed.

use super::ledger::{Command, Kind};
use std::collections::BTreeMap;

/// How many tasks there are at a time, so that many aggregates have streams of some length.
const TASKS: usize = 300;

/// A sequence of numbers that a seed makes (SplitMix64).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The sequence of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number below `bound`.
    pub const fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        #[expect(clippy::cast_possible_truncation, reason = "a number below a usize")]
        let number = ((z ^ (z >> 31)) % bound as u64) as usize;
        number
    }
}

/// A task, as it was last acknowledged.
#[derive(Debug, Clone)]
struct Known {
    creator: String,
    assignee: Option<String>,
    done: bool,
}

/// All of them.
#[derive(Debug)]
pub struct Mind {
    seed: u64,
    dice: Dice,
    users: Vec<String>,
    next: u64,
    making: usize,
    /// Those on which nothing is under way.
    idle: BTreeMap<String, Known>,
    busy: BTreeMap<String, Known>,
}

impl Mind {
    /// Nothing yet, for users of those ids.
    #[must_use]
    pub const fn new(seed: u64, users: Vec<String>) -> Self {
        Self { seed, dice: Dice::new(seed), users, next: 0, making: 0, idle: BTreeMap::new(), busy: BTreeMap::new() }
    }

    /// What to ask for next; none while something is under way on every task.
    ///
    /// # Panics
    /// Never: every index is below a length.
    pub fn choose(&mut self) -> Option<Command> {
        let tasks = self.idle.len() + self.busy.len() + self.making;
        let chance = self.dice.below(100);
        if tasks < TASKS && (chance < 30 || self.idle.is_empty()) {
            self.making += 1;
            let by = self.somebody();
            let assignee = (self.dice.below(4) > 0).then(|| self.somebody());
            return Some(self.command(Kind::Create, by, None, true, assignee));
        }
        let at = self.dice.below(self.idle.len().max(1));
        let id = self.idle.keys().nth(at)?.clone();
        let known = self.idle.remove(&id).expect("an idle task");
        let by = known.creator.clone();
        let wish = self.dice.below(100);
        let command = match wish {
            0..3 => self.command(Kind::Wrong, by, Some(id.clone()), true, None),
            3..28 => self.command(Kind::Rename, by, Some(id.clone()), true, None),
            28..48 => {
                let to = self.somebody_but(known.assignee.as_deref());
                self.command(Kind::Assign, by, Some(id.clone()), false, Some(to))
            }
            48..58 => self.command(Kind::Delete, by, Some(id.clone()), false, None),
            // The assignee completes as often as the creator, so that both are told.
            _ if known.done => self.command(Kind::Reopen, by, Some(id.clone()), false, None),
            _ => {
                let by = known.assignee.clone().filter(|_| wish.is_multiple_of(2)).unwrap_or(by);
                self.command(Kind::Complete, by, Some(id.clone()), false, None)
            }
        };
        self.busy.insert(id, known);
        Some(command)
    }

    /// A command was acknowledged; `task` is the one that the answer shows.
    pub fn done(&mut self, command: &Command, task: Option<&str>) {
        let known = match &command.task {
            Some(task) => self.busy.remove(task),
            None => {
                self.making -= 1;
                Some(Known { creator: command.by.clone(), assignee: command.assignee.clone(), done: false })
            }
        };
        let Some(mut known) = known else { return };
        match command.kind {
            Kind::Assign => known.assignee.clone_from(&command.assignee),
            Kind::Complete => known.done = true,
            Kind::Reopen => known.done = false,
            Kind::Delete => return,
            Kind::Create | Kind::Rename | Kind::Wrong => {}
        }
        if let Some(task) = command.task.as_deref().or(task) {
            self.idle.insert(task.to_owned(), known);
        }
    }

    /// A command was refused and changed nothing.
    pub fn refused(&mut self, command: &Command) {
        match &command.task {
            Some(task) => {
                if let Some(known) = self.busy.remove(task) {
                    self.idle.insert(task.clone(), known);
                }
            }
            None => self.making -= 1,
        }
    }

    fn command(
        &mut self,
        kind: Kind,
        by: String,
        task: Option<String>,
        titled: bool,
        assignee: Option<String>,
    ) -> Command {
        self.next += 1;
        let key = format!("{:x}-{}", self.seed, self.next);
        let title = titled.then(|| format!("T{key}T"));
        Command { op: self.next, key, kind, by, task, title, assignee }
    }

    fn somebody(&mut self) -> String {
        let at = self.dice.below(self.users.len());
        self.users[at].clone()
    }

    fn somebody_but(&mut self, not: Option<&str>) -> String {
        let others: Vec<String> = self.users.iter().filter(|user| Some(user.as_str()) != not).cloned().collect();
        let at = self.dice.below(others.len());
        others[at].clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(seed: u64) -> Vec<Command> {
        let mut mind = Mind::new(seed, vec!["a".to_owned(), "b".to_owned()]);
        let mut asked = Vec::new();
        for n in 0..500 {
            let command = mind.choose().unwrap();
            mind.done(&command, Some(&format!("t{n}")));
            asked.push(command);
        }
        asked
    }

    #[test]
    fn a_seed_repeats_its_choices_and_asks_for_everything() {
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        let kinds = [Kind::Create, Kind::Rename, Kind::Assign, Kind::Complete, Kind::Reopen, Kind::Delete, Kind::Wrong];
        for kind in kinds {
            assert!(run(7).iter().any(|command| command.kind == kind), "{kind:?}");
        }
    }

    #[test]
    fn one_command_at_a_time_is_under_way_on_each_task() {
        let mut mind = Mind::new(1, vec!["a".to_owned(), "b".to_owned()]);
        let first = mind.choose().unwrap();
        mind.done(&first, Some("t"));
        let under_way: Vec<Command> = (0..2_000).map_while(|_| mind.choose()).collect();
        assert!(under_way.iter().filter(|command| command.task.is_some()).count() <= 1);
        assert!(mind.choose().is_none(), "everything is under way");
    }
}
