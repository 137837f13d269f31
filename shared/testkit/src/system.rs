//! A whole system inside a test.

mod end;
mod front;
mod people;
mod rest;
mod rows;
mod settings;

pub(crate) use settings::prepare;

use crate::child::order;
use crate::client::Client;
use crate::clock::TestClock;
use crate::eventually::eventually;
use crate::ground::Ground;
use crate::injector::Injector;
use crate::processes::{Common, Processes};
use crate::settle::Store;
use crate::tokens::TokenSource;
use crate::topology::Topology;
use chrono::TimeDelta;
use contracts::Clock;
use db::{Db, DbOptions};
use futures_util::future::BoxFuture;
use runtime::{Config, Server, StartError};
use secrecy::SecretString;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::block_in_place;
use uuid::Uuid;
use web::TrustedProxies;

/// The issuer of tokens and the base of links; the same after a restart on another port.
const PUBLIC_URL: &str = "http://cleave.test";
/// The password of everybody.
const PASSWORD: &str = "a long enough secret";
/// How long the system may take to come to rest.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process on its way up.
pub type Starting = BoxFuture<'static, Result<Server, StartError>>;
/// What starts one.
pub type Start = fn(Config) -> Starting;

/// A running system with a directory of its own.
pub struct System {
    start: Start,
    topology: Topology,
    /// Of the process inside the test.
    config: Config,
    server: Option<Server>,
    /// The one before it.
    gateway: Option<Server>,
    /// Those of a system that has several.
    processes: Processes,
    stores: Vec<Store>,
    clock: TestClock,
    tokens: Arc<TokenSource>,
    sequences: Arc<Mutex<HashMap<Uuid, i64>>>,
    http: Client,
    // Last: nobody uses them any more.
    ground: Ground,
    directory: TempDir,
}

impl System {
    /// Starts one.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(start: Start, topology: Topology) -> Self {
        Self::start_with(start, topology, |_| {}).await
    }

    /// Starts one whose settings the test changes.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_with(start: Start, topology: Topology, change: impl FnOnce(&mut Config)) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let ground = Ground::of(&topology, directory.path()).await;
        let clock = TestClock::new();
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let tokens = Arc::new(TokenSource::new(PUBLIC_URL, Arc::clone(&shared)));
        let mut config = Config::embedded(directory.path().to_owned());
        config.public_url = Some(PUBLIC_URL.to_owned());
        config.admin_password = Some(SecretString::from(PASSWORD));
        config.seams.key_source = Some(Arc::clone(&tokens) as _);
        if topology.gateway {
            config.internal_token = Some(ground.secret.clone().into());
            config.trusted_proxies = TrustedProxies::parse("127.0.0.1").expect("an address");
        }
        ground.tell(&mut config);
        prepare(&mut config, shared);
        change(&mut config);
        let mut system = Self {
            start,
            topology,
            config,
            server: None,
            gateway: None,
            processes: Processes::default(),
            stores: Vec::new(),
            clock,
            tokens,
            sequences: Arc::default(),
            http: Client::nobody(""),
            ground,
            directory,
        };
        system.run().await;
        system
    }

    async fn run(&mut self) {
        if self.topology.processes.is_empty() {
            let server = (self.start)(self.config.clone()).await.unwrap_or_else(|error| panic!("{error}"));
            let store = |domain: &runtime::Domain| Store { name: domain.name, db: domain.db.clone() };
            self.stores = server.domains().iter().map(store).collect();
            if self.topology.gateway {
                self.gateway = Some(self.gateway_before(&server).await);
            }
            self.server = Some(server);
            return;
        }
        let (mut processes, common) = (std::mem::take(&mut self.processes), self.common());
        block_in_place(|| processes.start(&common));
        self.processes = processes;
        self.ready().await;
        if self.stores.is_empty() {
            self.stores = self.open().await;
        }
    }

    /// Returns when every process may be sent requests, and whoever hands them on knows it.
    async fn ready(&self) {
        for address in self.processes.addresses() {
            let client = self.http.at(&address.to_string());
            eventually("ready", PATIENCE, async || {
                let ready = client.try_send(reqwest::Method::GET, "/health/ready", None).await;
                ready.is_ok_and(|reply| reply.status == 200).then_some(())
            })
            .await;
        }
        let anonymous = self.anonymous();
        eventually("every domain is reached", PATIENCE, async || {
            let health = anonymous.get("/health").await.body;
            let reached = health["services"].as_object()?.values().all(|status| status != "unhealthy");
            reached.then_some(())
        })
        .await;
    }

    /// The databases of the processes.
    async fn open(&self) -> Vec<Store> {
        let domains: BTreeSet<&'static str> =
            self.topology.processes.iter().flat_map(|part| part.serves.iter().copied()).collect();
        let mut stores = Vec::new();
        for name in domains {
            let mut options = match self.ground.postgres(name) {
                Some(database) => DbOptions::postgres(database.url(), name),
                None => panic!("several processes cannot share the SQLite file of {name}"),
            };
            options.clock = Arc::new(self.clock.clone());
            options.readers = 1;
            stores.push(Store { name, db: Db::open(options).await.expect("the domain's database") });
        }
        stores
    }

    fn common(&self) -> Common<'_> {
        Common {
            topology: &self.topology,
            ground: &self.ground,
            directory: self.directory.path(),
            public_url: PUBLIC_URL,
            password: PASSWORD,
            micros: self.clock.micros(),
        }
    }

    /// The process inside the test.
    ///
    /// # Panics
    /// After a stop, and when there are several.
    #[must_use]
    pub fn server(&self) -> &Server {
        self.server.as_ref().expect("one running process inside the test")
    }

    /// Where clients speak to.
    ///
    /// # Panics
    /// After a stop.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        match (self.processes.front(), &self.gateway) {
            (Some(front), _) => front,
            (None, Some(gateway)) => gateway.address(),
            (None, None) => self.server().address(),
        }
    }

    /// Somebody without a token who speaks to that process.
    ///
    /// # Panics
    /// When there is none of that name.
    #[must_use]
    pub fn at(&self, process: &str) -> Client {
        self.http.at(&self.processes.address(process).expect("a process of that name").to_string())
    }

    /// A domain's database, as a process that serves it has it.
    ///
    /// # Panics
    /// When no process serves it.
    #[must_use]
    pub fn db(&self, domain: &str) -> &Db {
        &self.stores.iter().find(|store| store.name == domain).expect("a domain that is served").db
    }

    /// What it is made of.
    #[must_use]
    pub const fn topology(&self) -> &Topology {
        &self.topology
    }

    /// Its clock; of several processes, the test's own.
    #[must_use]
    pub const fn clock(&self) -> &TestClock {
        &self.clock
    }

    /// The testkit's own tokens; believed where no user domain is served.
    #[must_use]
    pub fn tokens(&self) -> &TokenSource {
        &self.tokens
    }

    /// Its data directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Stops it in good order and starts it again on the same data.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.overtake();
        self.run().await;
    }

    /// Stops it in good order.
    pub async fn stop(&mut self) {
        if let Some(gateway) = self.gateway.take() {
            gateway.stop().await;
        }
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
        block_in_place_if_several(&self.topology, || self.processes.stop());
    }

    /// Ends a process as a crash does.
    ///
    /// # Panics
    /// When there is none of that name.
    pub fn kill(&mut self, process: &str) {
        block_in_place(|| self.processes.kill(process));
    }

    /// Starts a process again that was killed, where it was, and returns when it listens.
    ///
    /// # Panics
    /// When it does not start.
    pub fn revive(&mut self, process: &str) {
        self.overtake();
        let (mut processes, common) = (std::mem::take(&mut self.processes), self.common());
        block_in_place(|| processes.revive(process, &common));
        self.processes = processes;
    }

    /// Puts all clocks beyond what each has gone on by itself, so that a new one is behind none.
    fn overtake(&self) {
        if !self.topology.processes.is_empty() {
            self.advance(TimeDelta::seconds(1));
        }
    }

    /// Publishes other domains' events.
    #[must_use]
    pub fn injector(&self) -> Injector {
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        Injector::new(Arc::clone(self.server().bus()), clock, Arc::clone(&self.sequences), self.stores.clone())
    }

    /// Moves the clock of every process and lets everything that waits look at it.
    pub fn advance(&self, by: TimeDelta) {
        self.clock.advance(by);
        self.order(&order::advance(by.num_microseconds().expect("a span that fits")));
    }

    /// Lets everything that waits look now.
    fn order(&self, order: &Value) {
        if let Some(server) = &self.server {
            server.wake_all();
        }
        block_in_place_if_several(&self.topology, || self.processes.order(order));
    }
}

/// Processes are spoken to in place; the only one inside the test is not, and its test may have one thread alone.
fn block_in_place_if_several<T>(topology: &Topology, work: impl FnOnce() -> T) -> T {
    if topology.processes.is_empty() { work() } else { block_in_place(work) }
}
