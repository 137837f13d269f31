//! The processes of a system as an operator has them: told by environment variables, on the real clock, with the limits that
//! are shipped. Rule: each is this test's binary again, so that it is never older than the test; none outlives the test.

mod command;
mod served;

pub use served::{ATTEMPTS, FULL_AT, HASTY, LONGEST_BACKOFF, is_one, served};

use super::caller::Caller;
use super::held::{Held, free_port};
use super::store::Store;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use testkit::{Part, Topology};

/// Where a process ends by itself.
const FAILPOINTS: &str = "CLEAVE_FAILPOINTS";
/// How long a system may take to be ready.
const PATIENCE: Duration = Duration::from_secs(90);
/// The domains, the one that brings the keys first.
pub const DOMAINS: [&str; 3] = ["user", "task", "notification"];
const ALL: &[Part] = &[Part::new("cleave", &DOMAINS)];
const REPLICAS: &[Part] = &[Part::new("one", &DOMAINS), Part::new("two", &DOMAINS)];

/// One process on PostgreSQL, twice.
pub const TWO_REPLICAS: Topology = Topology::MONOLITH_PG.with_processes(REPLICAS);

/// Of which processes such a system is made.
#[must_use]
pub const fn parts(topology: &Topology) -> &'static [Part] {
    if topology.processes.is_empty() { ALL } else { topology.processes }
}

/// Where the rows of a system are.
#[derive(Debug, Clone)]
pub enum Place {
    /// In files of its directory.
    Files,
    /// In one database.
    Database(String),
    /// In a database for each domain.
    Databases(BTreeMap<&'static str, String>),
}

/// A process.
struct Member {
    part: Part,
    port: u16,
    command: Command,
    held: Option<Held>,
}

/// A running system.
pub struct Fleet {
    /// What it is made of.
    pub topology: Topology,
    place: Place,
    members: Vec<Member>,
    directory: TempDir,
}

impl Fleet {
    /// Starts one; returns when every process is ready.
    ///
    /// # Panics
    /// When one does not start.
    pub async fn start(topology: Topology, place: Place, bus: Option<&str>) -> Self {
        Self::start_with(topology, place, bus, &[]).await
    }

    /// Starts one whose processes have some numbers that only a test changes: [`HASTY`], [`FULL_AT`].
    ///
    /// # Panics
    /// When one does not start.
    pub async fn start_with(topology: Topology, place: Place, bus: Option<&str>, numbers: &[(&str, &str)]) -> Self {
        let mut fleet = Self::prepare(topology, place, bus);
        for name in fleet.names() {
            for (variable, value) in numbers {
                fleet.set(name, variable, Some(value));
            }
            fleet.spawn(name);
        }
        fleet.ready().await;
        fleet
    }

    /// One whose processes do not run yet.
    ///
    /// # Panics
    /// When there is no directory.
    #[must_use]
    pub fn prepare(topology: Topology, place: Place, bus: Option<&str>) -> Self {
        let directory = tempfile::Builder::new().prefix("cleave-fleet-").tempdir().expect("a directory");
        let ports: Vec<(Part, u16)> = parts(&topology).iter().map(|part| (*part, free_port())).collect();
        let mut fleet = Self { topology, place, members: Vec::new(), directory };
        for (part, port) in &ports {
            let command = fleet.command(*part, *port, &ports, bus);
            fleet.members.push(Member { part: *part, port: *port, command, held: None });
        }
        fleet
    }

    /// What its processes are called.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.members.iter().map(|member| member.part.name).collect()
    }

    /// Sets a variable of a process, for its next start; none unsets it.
    ///
    /// # Panics
    /// When there is none of that name.
    pub fn set(&mut self, name: &str, variable: &str, value: Option<&str>) {
        let command = &mut self.member(name).command;
        match value {
            Some(value) => command.env(variable, value),
            None => command.env_remove(variable),
        };
    }

    /// Tells every process other URLs of the databases of its domains than the harness itself uses, from its next start on.
    ///
    /// # Panics
    /// When there is none for a domain.
    pub fn reach_by(&mut self, urls: &BTreeMap<&'static str, String>) {
        for Member { part, command, .. } in &mut self.members {
            command.env_remove("CLEAVE_DATABASE_URL");
            for domain in part.serves {
                command.env(command::url_of(domain), &urls[domain]);
            }
        }
    }

    /// Lets a process end by itself at some points, from its next start on; none lets it live.
    ///
    /// # Panics
    /// When there is none of that name.
    pub fn arm(&mut self, name: &str, points: Option<&str>) {
        self.set(name, FAILPOINTS, points);
    }

    /// Where clients speak to: the gateway, or else every process that serves all domains.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        let gateway: Vec<&Member> = self.members.iter().filter(|member| member.part.serves.is_empty()).collect();
        let whole = self.members.iter().filter(|member| member.part.serves.len() == DOMAINS.len());
        let spoken_to = if gateway.is_empty() { whole.collect() } else { gateway };
        spoken_to.into_iter().map(|member| member.address().to_string()).collect()
    }

    /// The addresses of all processes.
    #[must_use]
    pub fn all_addresses(&self) -> Vec<String> {
        self.members.iter().map(|member| member.address().to_string()).collect()
    }

    /// Its directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The databases, by domain.
    #[must_use]
    pub fn stores(&self) -> BTreeMap<&'static str, Store> {
        let store = |domain: &'static str| match &self.place {
            Place::Files => Store::File(self.directory.path().join("cleave").join(format!("{domain}.db"))),
            Place::Database(url) => Store::Schema { url: url.clone(), schema: domain.to_owned() },
            Place::Databases(urls) => Store::Schema { url: urls[domain].clone(), schema: domain.to_owned() },
        };
        DOMAINS.into_iter().map(|domain| (domain, store(domain))).collect()
    }

    /// Kills a process.
    ///
    /// # Panics
    /// When there is none of that name.
    pub fn kill(&mut self, name: &str) {
        let held = self.member(name).held.take().expect("a running process");
        held.signal("KILL");
        held.wait(PATIENCE);
    }

    /// Every process that runs, and its id.
    #[must_use]
    pub fn running(&self) -> Vec<(&'static str, u32)> {
        self.members.iter().filter_map(|member| Some((member.part.name, member.held.as_ref()?.id()))).collect()
    }

    /// Where its rows are.
    #[must_use]
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// Where a process listens, or will.
    ///
    /// # Panics
    /// When there is none of that name.
    pub fn address(&mut self, name: &str) -> String {
        self.member(name).address().to_string()
    }

    /// The id of a running process.
    ///
    /// # Panics
    /// When there is none of that name, or it does not run.
    pub fn process(&mut self, name: &str) -> u32 {
        self.member(name).held.as_ref().expect("a running process").id()
    }

    /// Sends a process a signal, by its name.
    ///
    /// # Panics
    /// When there is none of that name.
    pub fn signal(&mut self, name: &str, signal: &str) {
        self.member(name).held.as_ref().expect("a running process").signal(signal);
    }

    /// Returns when a process has ended by itself; the end of what it printed.
    ///
    /// # Panics
    /// When there is none of that name, or it goes on.
    pub async fn ended(&mut self, name: &str) -> String {
        let held = self.member(name).held.take().expect("a running process");
        let started = Instant::now();
        while held.runs() {
            assert!(started.elapsed() < PATIENCE, "{name} goes on: {}", held.said());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        held.said()
    }

    /// Starts a process that does not run; returns at once.
    ///
    /// # Panics
    /// When there is none of that name, or no shell.
    pub fn spawn(&mut self, name: &str) {
        let directory = self.directory.path().to_owned();
        self.member(name).run(&directory);
    }

    fn member(&mut self, name: &str) -> &mut Member {
        self.members.iter_mut().find(|member| member.part.name == name).expect("a process of that name")
    }

    /// Starts a process again that was killed; returns when all are ready.
    ///
    /// # Panics
    /// When there is none of that name, or it does not start.
    pub async fn revive(&mut self, name: &str) {
        self.spawn(name);
        self.ready().await;
    }

    /// Asserts that every process that was started and not killed is still the same one.
    ///
    /// # Panics
    /// When one ended by itself.
    pub fn assert_nobody_ended(&self) {
        for member in &self.members {
            let Some(held) = &member.held else { continue };
            assert!(held.runs(), "{} of {} ended: {}", member.part.name, self.topology.name, held.said());
        }
    }

    /// The end of what every process logged.
    #[must_use]
    pub fn said(&self) -> String {
        let said = |member: &Member| {
            let held = member.held.as_ref()?;
            Some(format!("--- {} of {}\n{}", member.part.name, self.topology.name, held.said()))
        };
        self.members.iter().filter_map(said).collect::<Vec<_>>().join("\n")
    }

    /// Returns when every process that was started may be sent requests, and whoever hands them on knows it.
    ///
    /// # Panics
    /// When that takes too long.
    pub async fn ready(&self) {
        let running = self.members.iter().filter(|member| member.held.is_some());
        let addresses: Vec<String> = running.map(|member| member.address().to_string()).collect();
        let started = Instant::now();
        let caller = Caller::new(&addresses);
        for (at, address) in addresses.iter().enumerate() {
            while !is_ready(&caller, at).await {
                self.assert_nobody_ended();
                assert!(started.elapsed() < PATIENCE, "{address} is not ready: {}", self.said());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

impl Member {
    fn run(&mut self, directory: &Path) {
        let log = directory.join(self.part.name).join("log");
        self.held = Some(Held::start(&self.command, &log));
    }

    fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }
}

async fn is_ready(caller: &Caller, at: usize) -> bool {
    if !matches!(caller.look(at, "/health/ready").await, Ok((200, _))) {
        return false;
    }
    let Ok((_, health)) = caller.look(at, "/health").await else { return false };
    let services: Option<BTreeSet<&str>> =
        health["services"].as_object().map(|all| all.values().filter_map(serde_json::Value::as_str).collect());
    services.is_some_and(|services| !services.contains("unhealthy"))
}
