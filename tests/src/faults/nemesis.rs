//! What goes wrong, and when. Rule: a seed decides all of it beforehand, so that the same seed does the same again; what a
//! fault stops it starts again, servers before those that need them.

mod fault;

pub use fault::{DELAYS, Fault, Lasts, Victim, WEATHERS, Where};

use super::mind::Dice;
use std::collections::BTreeMap;
use std::time::Duration;
use testkit::Topology;

/// Between two faults, from the recovery from one to the next, in milliseconds.
const BETWEEN: (usize, usize) = (300, 4_000);
/// How long a brief fault lasts, in milliseconds.
const BRIEFLY: (usize, usize) = (200, 4_000);
/// How long something stands still, in seconds; mostly short.
const STANDING: [usize; 8] = [1, 1, 2, 2, 3, 5, 10, 30];
/// One of so many faults comes together with another.
const TOGETHER: usize = 4;

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

/// What is asked of a schedule.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Whether it is for a long run, which also has what is slow.
    pub long: bool,
    /// By their keys; none means all.
    pub only: Vec<&'static str>,
}

impl Wish {
    /// The kinds of faults that such a system is to have; `networks` says whether there are any of ours in between.
    #[must_use]
    pub fn of(&self, topology: &Topology, networks: bool) -> Vec<Vec<Fault>> {
        let mut kinds = Fault::of(topology);
        kinds.retain(|kind| kind.iter().all(|fault| self.wants(*fault, networks)));
        kinds
    }

    fn wants(&self, fault: Fault, networks: bool) -> bool {
        let (key, _, _, _, place) = fault.about();
        let happens = match place {
            Where::Always => true,
            Where::LongRun => self.long,
            Where::BehindNetwork => self.long && networks,
        };
        happens && (self.only.is_empty() || self.only.contains(&key))
    }

    /// Whether a network of ours is in between in the round of that seed: in every other one, since a server that is away looks
    /// otherwise from behind it; and always where it was asked for.
    #[must_use]
    pub fn networks(&self, seed: u64, topology: &Topology) -> bool {
        let asked = self.of(topology, true).iter().flatten().all(|fault| fault.about().4 == Where::BehindNetwork);
        self.long && (asked || Dice::new(seed).below(2) == 0)
    }
}

/// An endless schedule.
#[derive(Debug, Clone)]
pub struct Schedule {
    dice: Dice,
    kinds: Vec<Vec<Fault>>,
}

impl Schedule {
    /// That of a seed, for a system of which something of those kinds goes wrong.
    #[must_use]
    pub const fn new(seed: u64, kinds: Vec<Vec<Fault>>) -> Self {
        Self { dice: Dice::new(seed), kinds }
    }

    fn fault(&mut self) -> Fault {
        let kind = self.dice.below(self.kinds.len());
        let one = self.dice.below(self.kinds[kind].len());
        self.kinds[kind][one]
    }

    fn lasts(&mut self, fault: Fault) -> Duration {
        let (least, most) = match fault.about().3 {
            Lasts::Briefly => BRIEFLY,
            Lasts::AsStanding => return seconds(STANDING[self.dice.below(STANDING.len())]),
            Lasts::Seconds(least, most) => (least * 1_000, most * 1_000),
        };
        self.between((least, most))
    }

    fn between(&mut self, (least, most): (usize, usize)) -> Duration {
        Duration::from_millis((least + self.dice.below(most - least)).try_into().expect("milliseconds"))
    }
}

fn seconds(number: usize) -> Duration {
    Duration::from_secs(number.try_into().expect("seconds"))
}

impl Iterator for Schedule {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        if self.kinds.is_empty() {
            return None;
        }
        let after = self.between(BETWEEN);
        let mut faults = vec![self.fault()];
        if self.dice.below(TOGETHER) == 0 {
            let other = self.fault();
            if other.victim() != faults[0].victim() {
                faults.push(other);
            }
        }
        faults.sort_by_key(|fault| fault.victim() == Victim::Process);
        let lasts = faults.clone().into_iter().map(|fault| self.lasts(fault)).max();
        Some(Step { after, faults, lasts: lasts.unwrap_or_default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::fleet::TWO_REPLICAS;
    use std::collections::BTreeSet;

    const LONG: Wish = Wish { long: true, only: Vec::new() };

    fn steps(seed: u64, topology: &Topology) -> Vec<Step> {
        Schedule::new(seed, LONG.of(topology, true)).take(2_000).collect()
    }

    /// What happens to a system sooner or later, by its keys.
    fn happening(wish: &Wish, topology: &Topology, networks: bool) -> BTreeSet<&'static str> {
        let steps = Schedule::new(1, wish.of(topology, networks)).take(2_000);
        steps.flat_map(|step| step.faults).map(Fault::key).collect()
    }

    #[test]
    fn a_seed_repeats_its_schedule() {
        for topology in [Topology::EMBEDDED, TWO_REPLICAS, Topology::SPLIT] {
            assert_eq!(steps(3, &topology), steps(3, &topology));
            assert_ne!(steps(3, &topology), steps(4, &topology));
        }
    }

    #[test]
    fn everything_that_can_go_wrong_with_a_system_does_and_nothing_else() {
        let slow = ["descriptors", "memory", "starve"];
        let own = ["kill", "stop"];
        let files = ["file-lock", "long-reader", "short-files", "slow-files"];
        let postgres = [
            "idle-transaction",
            "postgres-full",
            "postgres-hang",
            "postgres-kill",
            "postgres-slow",
            "postgres-stop",
            "terminate",
        ];
        let broker = [
            "broker-hang",
            "broker-kill",
            "broker-stop",
            "broker-stop-app",
            "close-connections",
            "disk-alarm",
            "memory-alarm",
        ];
        let (to_postgres, to_broker) = (["postgres-network", "postgres-reset"], ["broker-network", "broker-reset"]);
        let all = |parts: &[&[&'static str]]| parts.concat().into_iter().collect::<BTreeSet<_>>();
        let short = Wish::default();
        for (topology, quick, networks) in [
            (Topology::EMBEDDED, all(&[&own, &files]), all(&[])),
            (Topology::EMBEDDED_RABBIT, all(&[&own, &files, &broker]), all(&[&to_broker])),
            (TWO_REPLICAS, all(&[&own, &postgres]), all(&[&to_postgres])),
            (Topology::MONOLITH_RABBIT, all(&[&own, &postgres, &broker]), all(&[&to_postgres, &to_broker])),
            (Topology::SPLIT, all(&[&own, &postgres, &broker]), all(&[&to_postgres, &to_broker])),
        ] {
            let name = topology.name;
            assert_eq!(happening(&short, &topology, true), quick, "{name}");
            let long: BTreeSet<_> = quick.into_iter().chain(slow).collect();
            assert_eq!(happening(&LONG, &topology, false), long, "{name}");
            assert_eq!(happening(&LONG, &topology, true), long.into_iter().chain(networks).collect(), "{name}");
        }
    }

    #[test]
    fn every_process_every_file_and_every_weather_has_its_turn() {
        let seen: BTreeSet<Fault> = steps(1, &Topology::SPLIT).into_iter().flat_map(|step| step.faults).collect();
        for process in ["user", "task", "notification", "gateway"] {
            assert!(seen.contains(&Fault::Kill(process)) && seen.contains(&Fault::Starve(process)), "{process}");
        }
        for weather in WEATHERS {
            assert!(seen.contains(&Fault::BrokerNetwork(weather)), "{weather:?}");
        }
        let seen: BTreeSet<Fault> = steps(1, &Topology::EMBEDDED).into_iter().flat_map(|step| step.faults).collect();
        for domain in ["user", "task", "notification"] {
            assert!(seen.contains(&Fault::FileLock(domain)), "{domain}");
        }
    }

    #[test]
    fn what_was_asked_for_happens_alone() {
        let only = Wish { long: true, only: vec!["broker-hang", "starve"] };
        assert_eq!(happening(&only, &Topology::SPLIT, true), BTreeSet::from(["broker-hang", "starve"]));
        assert_eq!(happening(&only, &Topology::EMBEDDED, true), BTreeSet::from(["starve"]));
        let nothing = Wish { long: true, only: vec!["broker-hang"] };
        assert_eq!(Schedule::new(1, nothing.of(&Topology::EMBEDDED, true)).next(), None);
    }

    #[test]
    fn a_network_is_in_between_in_some_rounds_and_where_it_was_asked_for() {
        let with = |wish: &Wish| (1..40).filter(|seed| wish.networks(*seed, &Topology::SPLIT)).count();
        assert!((10..30).contains(&with(&LONG)), "{}", with(&LONG));
        assert_eq!(with(&Wish::default()), 0);
        assert_eq!(with(&Wish { long: true, only: vec!["broker-network"] }), 39);
    }

    #[test]
    fn servers_are_back_before_the_processes_that_need_them() {
        let pairs: Vec<Step> = steps(1, &Topology::SPLIT).into_iter().filter(|step| step.faults.len() == 2).collect();
        assert!(pairs.len() > 10);
        for Step { faults, .. } in pairs {
            assert_ne!(faults[0].victim(), faults[1].victim());
            assert_ne!(faults[0].victim(), Victim::Process);
        }
    }

    #[test]
    fn a_fault_lasts_as_long_as_its_kind_does() {
        for Step { faults, lasts, .. } in steps(1, &Topology::EMBEDDED) {
            let (least, most) = match faults[0].about().3 {
                Lasts::Briefly => (0, 4),
                Lasts::AsStanding => (1, 30),
                Lasts::Seconds(least, most) => (least, most),
            };
            let fits = (seconds(least)..=seconds(most)).contains(&lasts);
            assert!(fits || faults.len() == 2 && lasts >= seconds(least), "{faults:?} {lasts:?}");
        }
    }
}
