//! The processes of a system as an operator has them: told by environment variables, on the real clock, with the limits that
//! are shipped. Rule: each is this test's binary again, so that it is never older than the test; none outlives the test.

use super::held::{Held, free_port, setting};
use super::load::{Caller, PASSWORD};
use super::store::Store;
use runtime::{Config, StartError};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use testkit::{Part, Start, Topology};

/// The test that such a process runs.
const ENTRY: &str = "process::served";
/// Set for such a process.
const SERVE: &str = "CLEAVE_TEST_SERVE";
/// How long a system may take to be ready.
const PATIENCE: Duration = Duration::from_secs(90);
/// What signs, seals and lets processes trust one another.
const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
/// The issuer of tokens, the same wherever a process listens.
const PUBLIC_URL: &str = "http://cleave.test";
/// The domains, the one that brings the keys first.
pub const DOMAINS: [&str; 3] = ["user", "task", "notification"];
const ALL: &[Part] = &[Part::new("cleave", &DOMAINS)];
const REPLICAS: &[Part] = &[Part::new("one", &DOMAINS), Part::new("two", &DOMAINS)];

/// One process on PostgreSQL, twice.
pub const TWO_REPLICAS: Topology = Topology::MONOLITH_PG.with_processes(REPLICAS);

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

/// Is such a process where this one was started as one, until it is killed; otherwise it returns at once.
///
/// # Panics
/// When the process does not start.
pub async fn served(settings: fn() -> Result<Config, StartError>, start: Start) {
    if setting(SERVE).is_none() {
        return;
    }
    let log = tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false);
    log.with_env_filter("warn,outbox=info,bus_rabbitmq=info,db=info").init();
    let mut config = settings().unwrap_or_else(|error| panic!("{error}"));
    config.seams.migrates = true;
    let server = start(config).await.unwrap_or_else(|error| panic!("{error}"));
    server.join().await;
}

impl Fleet {
    /// Starts one; returns when every process is ready.
    ///
    /// # Panics
    /// When one does not start.
    pub async fn start(topology: Topology, place: Place, bus: Option<&str>) -> Self {
        let directory = tempfile::Builder::new().prefix("cleave-fleet-").tempdir().expect("a directory");
        let parts = if topology.processes.is_empty() { ALL } else { topology.processes };
        let ports: Vec<(Part, u16)> = parts.iter().map(|part| (*part, free_port())).collect();
        let mut fleet = Self { topology, place, members: Vec::new(), directory };
        for (part, port) in &ports {
            let command = fleet.command(*part, *port, &ports, bus);
            fleet.members.push(Member { part: *part, port: *port, command, held: None });
        }
        for member in &mut fleet.members {
            member.run(fleet.directory.path());
        }
        fleet.ready().await;
        fleet
    }

    /// Where clients speak to: the gateway, or else every process.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        let gateway: Vec<&Member> = self.members.iter().filter(|member| member.part.serves.is_empty()).collect();
        let spoken_to = if gateway.is_empty() { self.members.iter().collect() } else { gateway };
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
        let member = self.members.iter_mut().find(|member| member.part.name == name).expect("a process of that name");
        let held = member.held.take().expect("a running process");
        held.signal("KILL");
        held.wait(PATIENCE);
    }

    /// Starts a process again that was killed; returns when all are ready.
    ///
    /// # Panics
    /// When there is none of that name, or it does not start.
    pub async fn revive(&mut self, name: &str) {
        let member = self.members.iter_mut().find(|member| member.part.name == name).expect("a process of that name");
        member.run(self.directory.path());
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

    /// Returns when every process may be sent requests, and whoever hands them on knows it.
    ///
    /// # Panics
    /// When that takes too long.
    pub async fn ready(&self) {
        let (started, addresses) = (Instant::now(), self.all_addresses());
        let caller = Caller::new(&addresses);
        for (at, address) in addresses.iter().enumerate() {
            while !is_ready(&caller, at).await {
                self.assert_nobody_ended();
                assert!(started.elapsed() < PATIENCE, "{address} is not ready: {}", self.said());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    /// What an operator would start.
    fn command(&self, part: Part, port: u16, all: &[(Part, u16)], bus: Option<&str>) -> Command {
        let place = self.directory.path().join(part.name);
        std::fs::create_dir_all(&place).expect("a directory");
        let mut command = Command::new(std::env::current_exe().expect("this binary"));
        command.args([ENTRY, "--exact", "--nocapture", "--test-threads=1"]).current_dir(&place);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CLEAVE_")) {
            command.env_remove(name);
        }
        command.env("CLEAVE_PORT", port.to_string()).env("CLEAVE_DATA_DIR", &place);
        let urls = |domain: &str| {
            let serving = all.iter().filter(|(part, _)| part.serves.contains(&domain));
            serving.map(|(_, port)| format!("http://127.0.0.1:{port}")).collect::<Vec<_>>().join("|")
        };
        for (name, value) in [
            (SERVE, "1"),
            ("CLEAVE_PUBLIC_URL", PUBLIC_URL),
            ("CLEAVE_INTERNAL_TOKEN", SECRET),
            ("CLEAVE_RATE_LIMIT", "off"),
        ] {
            command.env(name, value);
        }
        if let Some(bus) = bus {
            command.env("CLEAVE_BUS", bus);
        }
        if part.serves.is_empty() {
            let targets = DOMAINS.map(|domain| format!("{domain}={}", urls(domain)));
            command.env("CLEAVE_DOMAINS", targets.join(","));
            return command;
        }
        command.env("CLEAVE_DOMAINS", part.serves.join(",")).env("CLEAVE_SEAL_SECRET", SECRET);
        command.env("CLEAVE_TRUSTED_PROXIES", "127.0.0.1");
        if part.serves.contains(&DOMAINS[0]) {
            command.env("CLEAVE_KEYS_SECRET", SECRET).env("CLEAVE_ADMIN_PASSWORD", PASSWORD);
        } else {
            command.env("CLEAVE_USER_URL", urls(DOMAINS[0]));
        }
        match &self.place {
            Place::Files => {}
            Place::Database(url) => {
                command.env("CLEAVE_DATABASE_URL", url);
            }
            Place::Databases(urls) => {
                for domain in part.serves {
                    command.env(format!("CLEAVE_{}_DATABASE_URL", domain.to_uppercase()), &urls[domain]);
                }
            }
        }
        command
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
