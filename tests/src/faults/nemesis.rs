//! What goes wrong, and when. Rule: a seed decides all of it beforehand, so that the same seed does the same again; what a
//! fault stops it starts again, servers before those that need them.

use super::mind::Dice;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use testkit::{Carrier, Databases, Topology};

/// Between two faults, from the recovery from one to the next, in milliseconds.
const BETWEEN: (usize, usize) = (300, 4_000);
/// How long a fault lasts, in milliseconds.
const LASTS: (usize, usize) = (200, 4_000);
/// How long a process is stopped, in seconds; mostly short.
const STOPPED: [u64; 8] = [1, 1, 2, 2, 3, 5, 10, 30];
/// One of so many faults comes together with another.
const TOGETHER: usize = 4;

/// Something that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A process is killed.
    Kill(&'static str),
    /// A process stands still.
    Stop(&'static str),
    /// PostgreSQL stops as in a crash.
    PostgresStop,
    /// Its postmaster is killed.
    PostgresKill,
    /// Its sessions are ended, again and again.
    Terminate,
    /// The broker is told to end.
    BrokerStop,
    /// The broker is killed.
    BrokerKill,
    /// The broker's application stops inside its node.
    BrokerStopApp,
    /// The broker closes all connections, again and again.
    CloseConnections,
}

impl Fault {
    /// What it is called in a report, and the order there.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kill(_) => "SIGKILL of a process",
            Self::Stop(_) => "SIGSTOP of a process",
            Self::PostgresStop => "PostgreSQL stopped at once",
            Self::PostgresKill => "PostgreSQL killed",
            Self::Terminate => "PostgreSQL sessions ended",
            Self::BrokerStop => "broker restarted",
            Self::BrokerKill => "broker killed",
            Self::BrokerStopApp => "broker stop_app",
            Self::CloseConnections => "broker connections closed",
        }
    }

    /// What it happens to; no two faults at once happen to the same.
    const fn victim(self) -> Victim {
        match self {
            Self::Kill(_) | Self::Stop(_) => Victim::Process,
            Self::PostgresStop | Self::PostgresKill | Self::Terminate => Victim::Postgres,
            _ => Victim::Broker,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(process) | Self::Stop(process) => write!(f, "{} ({process})", self.name()),
            _ => f.write_str(self.name()),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Process,
    Postgres,
    Broker,
}

/// One or two faults at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// After how much quiet.
    pub after: Duration,
    /// The one whose victim needs the other's is the last.
    pub faults: Vec<Fault>,
    /// How long.
    pub lasts: Duration,
}

/// How often each kind of fault happened.
pub type Tally = BTreeMap<Fault, u64>;

/// An endless schedule.
#[derive(Debug, Clone)]
pub struct Schedule {
    dice: Dice,
    faults: Vec<Fault>,
}

impl Schedule {
    /// That of a seed, for a system with those processes.
    #[must_use]
    pub fn new(seed: u64, topology: &Topology, processes: &[&'static str]) -> Self {
        let mut faults = Vec::new();
        for process in processes {
            faults.extend([Fault::Kill(process), Fault::Kill(process), Fault::Stop(process)]);
        }
        if topology.databases != Databases::Files {
            faults.extend([Fault::PostgresStop, Fault::PostgresKill, Fault::Terminate]);
        }
        if topology.carrier == Carrier::RabbitMq {
            faults.extend([Fault::BrokerStop, Fault::BrokerKill, Fault::BrokerStopApp, Fault::CloseConnections]);
        }
        Self { dice: Dice::new(seed), faults }
    }

    fn fault(&mut self) -> Fault {
        let at = self.dice.below(self.faults.len());
        self.faults[at]
    }

    fn between(&mut self, (least, most): (usize, usize)) -> Duration {
        Duration::from_millis((least + self.dice.below(most - least)).try_into().expect("milliseconds"))
    }
}

impl Iterator for Schedule {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let after = self.between(BETWEEN);
        let mut faults = vec![self.fault()];
        if self.dice.below(TOGETHER) == 0 {
            let other = self.fault();
            if other.victim() != faults[0].victim() {
                faults.push(other);
            }
        }
        faults.sort_by_key(|fault| fault.victim() == Victim::Process);
        let stopped = STOPPED[self.dice.below(STOPPED.len())];
        let lasts = self.between(LASTS);
        let stops = faults.iter().any(|fault| matches!(fault, Fault::Stop(_)));
        Some(Step { after, faults, lasts: if stops { Duration::from_secs(stopped) } else { lasts } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(seed: u64) -> Vec<Step> {
        Schedule::new(seed, &Topology::SPLIT, &["user", "task"]).take(200).collect()
    }

    #[test]
    fn a_seed_repeats_its_schedule() {
        assert_eq!(steps(3), steps(3));
        assert_ne!(steps(3), steps(4));
    }

    #[test]
    fn everything_that_can_go_wrong_does_and_nothing_else() {
        let kinds = |topology: &Topology| {
            let steps = Schedule::new(1, topology, &["one"]).take(300);
            steps.flat_map(|step| step.faults).map(Fault::name).collect::<std::collections::BTreeSet<_>>().len()
        };
        assert_eq!([Topology::EMBEDDED, Topology::MONOLITH_PG, Topology::SPLIT].map(|one| kinds(&one)), [2, 5, 9]);
    }

    #[test]
    fn servers_are_back_before_the_processes_that_need_them() {
        let pairs: Vec<Step> = steps(1).into_iter().filter(|step| step.faults.len() == 2).collect();
        assert!(pairs.len() > 10);
        for Step { faults, .. } in pairs {
            assert_ne!(faults[0].victim(), faults[1].victim());
            assert_ne!(faults[0].victim(), Victim::Process);
        }
    }
}
