//! Some minutes of a system under faults, and what is left when all is healed. Rule: every fault heals itself; after each the
//! system must recover alone, and at the end everything is checked.

use super::broker::PrivateBroker;
use super::crowd::{self, Extent, Figures};
use super::fleet::{DOMAINS, Fleet, Place, TWO_REPLICAS};
use super::nemesis::{Fault, Schedule, Step, Tally};
use super::postgres::PrivatePostgres;
use super::report::Report;
use super::store::connect;
use super::trial::{Trial, last};
use std::time::{Duration, Instant};
use testkit::{Carrier, Databases, Topology};
use tokio::task::block_in_place;

/// Between two of many small blows.
const BLOW: Duration = Duration::from_millis(500);
/// Several processes with a pool for each domain, and the harness's own looks.
const CONNECTIONS: &str = "max_connections=300";

/// The systems that are tried, in turn.
pub const TOPOLOGIES: [Topology; 4] = [Topology::EMBEDDED, TWO_REPLICAS, Topology::MONOLITH_RABBIT, Topology::SPLIT];

/// The servers, which may be stopped; none where no system needs one, or where it is not installed.
#[derive(Default)]
pub struct Servers {
    postgres: Option<PrivatePostgres>,
    broker: Option<PrivateBroker>,
    databases: u64,
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
    /// Starts what these systems need.
    pub async fn start(topologies: &[Topology]) -> Self {
        let mut servers = Self::default();
        if topologies.iter().any(|topology| topology.databases != Databases::Files) {
            servers.postgres = PrivatePostgres::start(&[CONNECTIONS]).await;
        }
        if topologies.iter().any(|topology| topology.carrier == Carrier::RabbitMq) {
            servers.broker = block_in_place(PrivateBroker::start);
        }
        servers
    }

    /// Whether it has what that one needs.
    #[must_use]
    pub fn serve(&self, topology: &Topology) -> bool {
        (topology.databases == Databases::Files || self.postgres.is_some())
            && (topology.carrier == Carrier::InProcess || self.broker.is_some())
    }

    async fn place(&mut self, topology: &Topology) -> Place {
        if topology.databases == Databases::Files {
            return Place::Files;
        }
        let postgres = self.postgres.as_ref().expect("a PostgreSQL");
        self.databases += 1;
        let n = self.databases;
        if topology.databases == Databases::Schemas {
            return Place::Database(postgres.database(&format!("round_{n}")).await);
        }
        let mut urls = Vec::new();
        for domain in DOMAINS {
            urls.push((domain, postgres.database(&format!("round_{n}_{domain}")).await));
        }
        Place::Databases(urls.into_iter().collect())
    }

    fn bus(&self, topology: &Topology) -> Option<String> {
        let broker = self.broker.as_ref().filter(|_| topology.carrier == Carrier::RabbitMq);
        broker.map(|broker| block_in_place(|| broker.virtual_host(&format!("round-{}", self.databases))))
    }

    /// What one event that cannot be handled costs a system.
    ///
    /// # Panics
    /// When the system does not work.
    pub async fn poison(&mut self, topology: Topology, extent: &Extent) -> Figures {
        let place = self.place(&topology).await;
        crowd::measure(Fleet::prepare(topology, place, self.bus(&topology).as_deref()), extent).await
    }

    /// Lets a system suffer for so long, and checks it; `told` is told of each fault and how it went.
    ///
    /// # Panics
    /// When it does not recover.
    pub async fn round(
        &mut self,
        topology: Topology,
        seed: u64,
        span: Duration,
        events: f64,
        mut told: impl FnMut(&str),
    ) -> Round {
        let place = self.place(&topology).await;
        let fleet = Fleet::start(topology, place, self.bus(&topology).as_deref()).await;
        let schedule = Schedule::new(seed, &topology, &fleet.names());
        let mut trial = Trial::begin(fleet, seed, events).await;
        let (started, mut faults) = (Instant::now(), Tally::new());
        // What would take most of the time is left out, not cut short: the same seed does the same.
        for step in schedule.filter(|step| step.lasts * 3 <= span) {
            if started.elapsed() + step.after + step.lasts > span {
                break;
            }
            last(step.after).await;
            for fault in &step.faults {
                *faults.entry(*fault).or_default() += 1;
            }
            let names: Vec<String> = step.faults.iter().map(ToString::to_string).collect();
            told(&names.join(" + "));
            let recovery = self.carry_out(&step, &mut trial).await;
            told(&format!("{} + recovered in {:.1?}", names.join(" + "), recovery));
        }
        let hung_up = trial.hung_up();
        told("healed; everything is checked");
        Round { report: trial.finish().await, faults, hung_up }
    }

    /// How long the recovery took.
    async fn carry_out(&mut self, step: &Step, trial: &mut Trial) -> Duration {
        let began = Instant::now();
        for fault in &step.faults {
            self.begin(*fault, trial);
        }
        let blows = step.faults.iter().any(|fault| matches!(fault, Fault::Terminate | Fault::CloseConnections));
        while began.elapsed() < step.lasts {
            if blows {
                for fault in &step.faults {
                    self.strike(*fault).await;
                }
            }
            last(BLOW.min(step.lasts.saturating_sub(began.elapsed()))).await;
        }
        let mut dead = Vec::new();
        for fault in &step.faults {
            self.end(*fault, trial, &mut dead).await;
        }
        let recovery = if dead.is_empty() { trial.recover().await } else { trial.restart(&dead).await };
        recovery.effects
    }

    fn begin(&mut self, fault: Fault, trial: &mut Trial) {
        let (postgres, broker) = (self.postgres.as_mut(), self.broker.as_mut());
        block_in_place(|| match fault {
            Fault::Kill(process) => trial.fleet.kill(process),
            Fault::Stop(process) => trial.fleet.signal(process, "STOP"),
            Fault::PostgresStop => postgres.expect("a PostgreSQL").stop_immediate(),
            Fault::PostgresKill => postgres.expect("a PostgreSQL").kill(),
            Fault::BrokerStop => broker.expect("a broker").stop(),
            Fault::BrokerKill => broker.expect("a broker").kill(),
            Fault::BrokerStopApp => broker.expect("a broker").stop_app(),
            Fault::Terminate | Fault::CloseConnections => {}
        });
    }

    /// One of many small blows.
    async fn strike(&self, fault: Fault) {
        match fault {
            Fault::Terminate => {
                let url = self.postgres.as_ref().expect("a PostgreSQL").url("postgres");
                let client = connect(&url).await.expect("PostgreSQL");
                let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                           WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
                client.batch_execute(sql).await.expect("a superuser");
            }
            Fault::CloseConnections => {
                let broker = self.broker.as_ref().expect("a broker");
                block_in_place(|| broker.tell(&["close_all_connections", "a fault"]));
            }
            _ => {}
        }
    }

    async fn end(&mut self, fault: Fault, trial: &mut Trial, dead: &mut Vec<&'static str>) {
        match fault {
            Fault::Kill(process) => dead.push(process),
            Fault::Stop(process) => trial.fleet.signal(process, "CONT"),
            Fault::PostgresStop | Fault::PostgresKill => self.postgres.as_mut().expect("a PostgreSQL").run().await,
            Fault::BrokerStop | Fault::BrokerKill => {
                block_in_place(|| self.broker.as_mut().expect("a broker").run());
            }
            Fault::BrokerStopApp => block_in_place(|| self.broker.as_ref().expect("a broker").start_app()),
            Fault::Terminate | Fault::CloseConnections => {}
        }
    }
}
