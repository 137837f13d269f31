//! Some minutes of a system under faults, and what is left when all is healed. Rule: every fault heals itself; after each the
//! system must recover alone, and at the end everything is checked.

mod inflict;
mod servers;

pub use servers::Servers;

use super::crowd::{self, Extent, Figures};
use super::fleet::{Fleet, Place, TWO_REPLICAS};
use super::footprint::{Footprint, i20_what_it_takes_returns};
use super::isolation::Isolation;
use super::nemesis::{Fault, Schedule, Step, Tally, Wish};
use super::report::Report;
use super::trial::{Trial, last};
use inflict::{Inflicted, Victims};
use servers::Roads;
use std::time::{Duration, Instant};
use testkit::Topology;

/// Between two of many small blows.
const BLOW: Duration = Duration::from_millis(500);
/// After so much of its load a system takes of the machine what it takes.
const WARM: Duration = Duration::from_secs(10);
/// During a fault this long at least a command must have been accepted, where commands have nothing to do with it.
const NOTICED: Duration = Duration::from_secs(3);
/// A schedule without a fault that fits into the round comes to an end.
const STEPS: usize = 10_000;

/// The systems that are tried, in turn.
pub const TOPOLOGIES: [Topology; 4] = [Topology::EMBEDDED, TWO_REPLICAS, Topology::MONOLITH_RABBIT, Topology::SPLIT];

/// What a round is to be.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The system.
    pub topology: Topology,
    /// Of the load and of the faults.
    pub seed: u64,
    /// For how long.
    pub span: Duration,
    /// Events a second.
    pub events: f64,
    /// What may go wrong.
    pub wish: Wish,
}

/// What a round came to.
pub struct Round {
    /// See [`Report`].
    pub report: Report,
    /// The faults.
    pub faults: Tally,
    /// Requests that clients gave up.
    pub hung_up: u64,
}

impl Servers {
    /// Starts a system to which nothing happens.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn system(&mut self, topology: Topology) -> Fleet {
        let place = self.place(&topology).await;
        Fleet::start(topology, place, self.bus(&topology).as_deref()).await
    }

    /// What one event that cannot be handled costs a system.
    ///
    /// # Panics
    /// When the system does not work.
    pub async fn poison(&mut self, topology: Topology, extent: &Extent) -> Figures {
        let place = self.place(&topology).await;
        crowd::measure(Fleet::prepare(topology, place, self.bus(&topology).as_deref()), extent).await
    }

    /// Lets a system suffer as planned, and checks it; `told` is told of each fault and how it went.
    ///
    /// # Panics
    /// When it does not recover.
    pub async fn round(&mut self, plan: &Plan, mut told: impl FnMut(&str)) -> Round {
        let Plan { topology, seed, span, events, wish } = plan;
        let networks = wish.networks(*seed, topology);
        let roads = if networks { Roads::before(self, topology).await } else { Roads::default() };
        let (fleet, isolation) = self.fleet(topology, &roads).await;
        let mut trial = Trial::begin(fleet, *seed, *events).await;
        let before = if wish.long { Some(warm(&trial).await) } else { None };
        let (started, mut faults) = (Instant::now(), Tally::new());
        let schedule = Schedule::new(*seed, wish.of(topology, networks));
        // What would take most of the time is left out, not cut short: the same seed does the same.
        for step in schedule.take(STEPS).filter(|step| step.lasts * 3 <= *span) {
            if started.elapsed() + step.after + step.lasts > *span {
                break;
            }
            last(step.after).await;
            let names: Vec<String> = step.faults.iter().map(ToString::to_string).collect();
            let names = names.join(" + ");
            told(&names);
            let mut victims = Victims { servers: self, roads: &roads, trial: &mut trial };
            let (done, recovery) = victims.carry_out(&step).await;
            done.iter().for_each(|fault| *faults.entry(*fault).or_default() += 1);
            told(&format!("{names} for {:.1?}, recovered in {recovery:.1?}", step.lasts));
        }
        let hung_up = trial.hung_up();
        told("healed; everything is checked");
        let (mut report, fleet) = trial.finish_and_keep().await;
        if let Some(isolation) = isolation {
            report.violations.extend(isolation.i15_domains_keep_to_themselves(self.postgres()).await);
        }
        if let Some(before) = before {
            let (beyond, after) = i20_what_it_takes_returns(&before, &fleet).await;
            told(&format!("took {before}; takes {after}"));
            report.violations.extend(beyond);
        }
        Round { report, faults, hung_up }
    }

    /// Starts a system behind those networks; on PostgreSQL each domain in a role of its own.
    async fn fleet(&mut self, topology: &Topology, roads: &Roads) -> (Fleet, Option<Isolation>) {
        let place = self.place(topology).await;
        let bus = self.bus(topology).map(|url| roads.to_broker(&url));
        let mut fleet = Fleet::prepare(*topology, place, bus.as_deref());
        let mut isolation = None;
        if !matches!(fleet.place(), Place::Files) {
            let apart = Isolation::of(self.postgres(), fleet.place()).await;
            let urls = apart.urls(self.postgres());
            fleet.reach_by(&urls.into_iter().map(|(domain, url)| (domain, roads.to_postgres(&url))).collect());
            isolation = Some(apart);
        }
        fleet.names().into_iter().for_each(|name| fleet.spawn(name));
        fleet.ready().await;
        (fleet, isolation)
    }
}

/// What a system takes under its load alone.
async fn warm(trial: &Trial) -> Footprint {
    last(WARM).await;
    Footprint::of(&trial.fleet).await
}

impl Victims<'_> {
    /// What happened of a step, and how long the recovery from it took.
    async fn carry_out(&mut self, step: &Step) -> (Vec<Fault>, Duration) {
        let (began, before) = (Instant::now(), self.trial.acknowledged());
        let mut inflicted: Vec<Inflicted> = Vec::new();
        for fault in &step.faults {
            inflicted.extend(self.begin(*fault).await);
        }
        while began.elapsed() < step.lasts && !inflicted.is_empty() {
            for one in &mut inflicted {
                self.strike(one).await;
            }
            last(BLOW.min(step.lasts.saturating_sub(began.elapsed()))).await;
        }
        let done: Vec<Fault> = inflicted.iter().map(|one| one.fault).collect();
        if step.lasts >= NOTICED && done.iter().all(|fault| fault.spares_commands()) {
            assert!(self.trial.acknowledged() > before, "{done:?} for {:?}, and no command is accepted", step.lasts);
        }
        let mut dead = Vec::new();
        for one in inflicted {
            self.end(one, &mut dead).await;
        }
        if done.is_empty() {
            return (done, Duration::ZERO);
        }
        let recovery = if dead.is_empty() { self.trial.recover().await } else { self.trial.restart(&dead).await };
        (done, recovery.effects)
    }
}
