//! A whole system inside a test.

use crate::client::Client;
use crate::clock::TestClock;
use crate::injector::Injector;
use crate::settle::{Progress, describe, look};
use crate::tokens::{TokenSource, random_id};
use chrono::TimeDelta;
use contracts::user::Role;
use contracts::{Clock, UserId};
use futures_util::future::BoxFuture;
use outbox::Unfinished;
use runtime::{Config, Server, StartError};
use secrecy::SecretString;
use serde_json::json;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use uuid::Uuid;

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

/// Which processes, databases and bus a system is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topology {
    /// One process, SQLite files, the in-process bus.
    Embedded,
}

/// A running system with a directory of its own.
pub struct System {
    start: Start,
    config: Config,
    server: Option<Server>,
    clock: TestClock,
    tokens: Arc<TokenSource>,
    sequences: Arc<Mutex<HashMap<Uuid, i64>>>,
    http: Client,
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
        let Topology::Embedded = topology;
        let directory = tempfile::tempdir().expect("a directory");
        let clock = TestClock::new();
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let tokens = Arc::new(TokenSource::new(PUBLIC_URL, Arc::clone(&shared)));
        let mut config = Config::embedded(directory.path().to_owned());
        config.public_url = Some(PUBLIC_URL.to_owned());
        config.admin_password = Some(SecretString::from(PASSWORD));
        config.seams.clock = shared;
        config.seams.key_source = Some(Arc::clone(&tokens) as _);
        // Many systems share a machine while tests run: slow is not wrong there.
        config.seams.limits.acquire = PATIENCE;
        config.seams.limits.statement = PATIENCE;
        config.seams.head_deadline = PATIENCE;
        change(&mut config);
        let http = Client::nobody("");
        let server = Some(start(config.clone()).await.unwrap_or_else(|error| panic!("{error}")));
        Self { start, config, server, clock, tokens, sequences: Arc::default(), http, directory }
    }

    /// The running process.
    ///
    /// # Panics
    /// After a stop.
    #[must_use]
    pub fn server(&self) -> &Server {
        self.server.as_ref().expect("a running system")
    }

    /// Its clock.
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
        let server = (self.start)(self.config.clone()).await;
        self.server = Some(server.unwrap_or_else(|error| panic!("{error}")));
    }

    /// Stops it in good order.
    pub async fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
    }

    /// Somebody without a token.
    #[must_use]
    pub fn anonymous(&self) -> Client {
        self.http.at(&self.server().address().to_string())
    }

    /// A user with a token: registered and signed in where the user domain is served, else made up.
    pub async fn user(&self, name: &str) -> Client {
        if !self.serves("user") {
            return self.made_up(name, Role::User);
        }
        let anonymous = self.anonymous();
        let body = json!({"username": name, "email": format!("{name}@example.org"), "password": PASSWORD});
        let user = anonymous.post("/api/v1/auth/register", body).await.expect(201);
        self.sign_in(name, user["id"].as_str().expect("an id").parse().expect("a UUID")).await
    }

    /// An administrator with a token.
    pub async fn admin(&self) -> Client {
        if !self.serves("user") {
            return self.made_up("admin", Role::Admin);
        }
        let client = self.sign_in("admin", UserId(Uuid::nil())).await;
        let me = client.get("/api/v1/users/me").await.expect(200);
        Client { id: Some(me["id"].as_str().expect("an id").parse().expect("a UUID")), ..client }
    }

    /// A fresh token for a registered user, for instance after the clock was moved.
    pub async fn sign_in(&self, name: &str, id: UserId) -> Client {
        let anonymous = self.anonymous();
        let body = json!({"login": name, "password": PASSWORD});
        let tokens = anonymous.post("/api/v1/auth/login", body).await.expect(200);
        let token = tokens["access_token"].as_str().expect("a token").to_owned();
        Client { token: Some(token), id: Some(id), name: name.to_owned(), ..anonymous }
    }

    /// The password that all its users have.
    #[must_use]
    pub const fn password(&self) -> &'static str {
        PASSWORD
    }

    fn made_up(&self, name: &str, role: Role) -> Client {
        let id = UserId(random_id());
        Client { token: Some(self.tokens.token(id, role)), id: Some(id), name: name.to_owned(), ..self.anonymous() }
    }

    fn serves(&self, domain: &str) -> bool {
        self.server().domains().iter().any(|served| served.name == domain)
    }

    /// Publishes other domains' events.
    #[must_use]
    pub fn injector(&self) -> Injector {
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        Injector::new(Arc::clone(self.server().bus()), clock, Arc::clone(&self.sequences))
    }

    /// Moves the clock and lets everything that waits look at it.
    pub fn advance(&self, by: TimeDelta) {
        self.clock.advance(by);
        self.server().wake_all();
    }

    /// Returns when every event has had its effect.
    ///
    /// # Panics
    /// At the first event that failed or is dead, with its cause; or when the system does not come to rest.
    pub async fn settle(&self) {
        let failures = self.rest().await;
        assert!(failures.is_empty(), "events failed:\n{}", describe(&failures));
    }

    /// Returns when every event has had its effect, or is kept back by a failure; the failures.
    ///
    /// # Panics
    /// When there is no failure, or the system does not come to rest.
    pub async fn settle_with_failures(&self) -> Vec<Unfinished> {
        let failures = self.rest().await;
        assert!(!failures.is_empty(), "a failure was expected, and there is none");
        failures.into_iter().map(|(_, failure)| failure).collect()
    }

    async fn rest(&self) -> Vec<(&'static str, Unfinished)> {
        let started = Instant::now();
        let mut pause = Duration::from_millis(1);
        self.server().wake_all();
        loop {
            match look(self.server(), self.clock.now()).await {
                Progress::Settled(failures) => return failures,
                Progress::Moving(what) => {
                    assert!(started.elapsed() < PATIENCE, "the system does not come to rest: {what}")
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }
}
