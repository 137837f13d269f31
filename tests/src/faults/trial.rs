//! A system under load, from its first user to its report. Rule: the fault is the test's; what is measured and what must hold
//! afterwards is the same for all.

use super::caller::{Caller, Refusal};
use super::checker::check;
use super::facts::Facts;
use super::fleet::Fleet;
use super::ledger::Ledger;
use super::liveness::{Leases, i18_new_commands_succeed, i19_one_relay_leads};
use super::load::{Counts, Load};
use super::mind::Mind;
use super::report::Report;
use super::watch::{Pending, Stores, rest};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Who asks; several, because each may keep so many idempotency records.
const USERS: usize = 6;
/// Events that a command makes, on average; what the load is reckoned with.
const EVENTS_A_COMMAND: f64 = 1.35;
/// How long everything may take to come to rest when all is healed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Bytes of a request that is almost too long to be read, and how many of them at once.
const MUCH: usize = 250_000;
const AT_ONCE: usize = 8;

/// How a system came back from a fault.
#[derive(Debug, Clone, Copy)]
pub struct Recovery {
    /// Effects that were missing when the fault ended.
    pub missing: usize,
    /// After how long the first of them was there.
    pub first: Duration,
    /// After how long all of them were, and every process was ready.
    pub effects: Duration,
    /// After how long a new command was acknowledged as well.
    pub all: Duration,
}

/// A running trial.
pub struct Trial {
    /// The processes.
    pub fleet: Fleet,
    caller: Arc<Caller>,
    users: Vec<String>,
    load: Load,
    ledger: PathBuf,
    stores: Stores,
    started: Instant,
    recoveries: Vec<Duration>,
}

impl Trial {
    /// Begins to load a system with about so many events a second.
    ///
    /// # Panics
    /// When it does not work without a fault.
    pub async fn begin(fleet: Fleet, seed: u64, events: f64) -> Self {
        let caller = Arc::new(Caller::new(&fleet.addresses()));
        let users = caller.register(USERS).await;
        let stores = fleet.stores();
        rest(&stores, PATIENCE).await.unwrap_or_else(|error| panic!("{error}\n{}", fleet.said()));
        let path = fleet.directory().join("ledger");
        let mind = Mind::new(seed, users.clone());
        let load = Load::start(Arc::clone(&caller), Ledger::create(&path), mind, events / EVENTS_A_COMMAND);
        let (started, recoveries) = (Instant::now(), Vec::new());
        let trial = Self { fleet, caller, users, load, ledger: path, stores, started, recoveries };
        trial.more(20).await;
        trial
    }

    /// Returns when so many more commands were acknowledged.
    ///
    /// # Panics
    /// When that takes too long.
    pub async fn more(&self, commands: u64) {
        let (before, since) = (self.load.acknowledged(), Instant::now());
        while self.load.acknowledged() < before + commands {
            let late = since.elapsed() > PATIENCE;
            assert!(!late, "{} accepts nothing: {}", self.fleet.topology.name, self.fleet.said());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What somebody is told who makes a task now.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn refusal(&self) -> Refusal {
        self.caller.refusal(&self.users[0]).await
    }

    /// The status of a list of tasks.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn reads(&self) -> u16 {
        self.caller.get(&self.users[0], "/api/v1/tasks").await.unwrap_or_else(|error| panic!("{error}")).0
    }

    /// Sends requests that take memory and are refused; nobody waits for their answers.
    pub fn ask_for_much(&self) {
        let body = json!({"title": "much ".repeat(MUCH / 5)});
        for _ in 0..AT_ONCE {
            let (caller, user, body) = (Arc::clone(&self.caller), self.users[0].clone(), body.clone());
            tokio::spawn(async move { caller.write(&user, Method::POST, "/api/v1/tasks", Some(body)).await });
        }
    }

    /// How many commands were acknowledged so far.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.load.acknowledged()
    }

    /// The fault has just ended: returns when all that is committed now has had its effect, and new commands are accepted.
    /// The time until all had its effect is one recovery.
    ///
    /// # Panics
    /// When that takes too long.
    pub async fn recover(&mut self) -> Recovery {
        self.recover_within(PATIENCE).await
    }

    /// The same, for what takes its time.
    ///
    /// # Panics
    /// When that takes longer than `patience`.
    pub async fn recover_within(&mut self, patience: Duration) -> Recovery {
        let since = Instant::now();
        let pending = Pending::now(&self.stores).await;
        self.recovered(since, pending, patience).await
    }

    /// Starts processes again that are dead, all of those that serve something, and recovers: from the moment at which they
    /// are started to the last effect of what they left.
    ///
    /// # Panics
    /// When that takes too long.
    pub async fn restart(&mut self, names: &[&str]) -> Recovery {
        // Nothing moves meanwhile, so that the look costs the recovery nothing.
        let pending = Pending::now(&self.stores).await;
        let since = Instant::now();
        names.iter().for_each(|name| self.fleet.spawn(name));
        self.recovered(since, pending, PATIENCE).await
    }

    async fn recovered(&mut self, since: Instant, pending: Pending, patience: Duration) -> Recovery {
        let missing = pending.count();
        let effects = async {
            // Where nothing was missing, a process that is started has to be ready at least.
            let (done, ()) = tokio::join!(pending.done(&self.stores, patience), self.fleet.ready());
            (done, since.elapsed())
        };
        let ((done, effects), ()) = tokio::join!(effects, self.more(1));
        let name = self.fleet.topology.name;
        let first = done.unwrap_or_else(|error| panic!("{name} does not recover: {error}\n{}", self.fleet.said()));
        self.recoveries.push(effects);
        Recovery { missing, first, effects, all: since.elapsed() }
    }

    /// How many requests the client gave up of its own accord.
    #[must_use]
    pub fn hung_up(&self) -> u64 {
        self.load.counts.hung_up.load(Ordering::Relaxed)
    }

    /// What the load counts, also after its end.
    #[must_use]
    pub fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.load.counts)
    }

    /// The client, and one of its users.
    ///
    /// # Panics
    /// Never: there are users.
    #[must_use]
    pub fn client(&self) -> (Arc<Caller>, String) {
        (Arc::clone(&self.caller), self.users.first().expect("users").clone())
    }

    /// Returns when all that is committed now has had its effect.
    ///
    /// # Panics
    /// When that takes too long.
    pub async fn keep_up(&self) {
        let kept_up = Pending::now(&self.stores).await.done(&self.stores, PATIENCE).await;
        kept_up.unwrap_or_else(|error| panic!("without a fault: {error}\n{}", self.fleet.said()));
    }

    /// Ends the load, waits until everything is at rest, and compares what was told with what is there.
    ///
    /// # Panics
    /// When it does not come to rest.
    pub async fn finish(self) -> Report {
        self.finish_and_keep().await.0
    }

    /// The same; and its processes, which run on.
    ///
    /// # Panics
    /// As [`Trial::finish`].
    pub async fn finish_and_keep(self) -> (Report, Fleet) {
        let took = self.started.elapsed();
        self.load.finish(PATIENCE).await;
        let name = self.fleet.topology.name;
        let rested = rest(&self.stores, PATIENCE).await;
        rested.unwrap_or_else(|error| panic!("{name} does not come to rest: {error}\n{}", self.fleet.said()));
        self.fleet.assert_nobody_ended();
        let leases = Leases::now(&self.stores).await;
        let facts = Facts::read(&self.stores).await;
        let ledger = Ledger::read(&self.ledger);
        let mut violations = check(&ledger, &facts);
        readable(&self.caller, &facts).await;
        violations.extend(i18_new_commands_succeed(&self.caller, &self.fleet.all_addresses(), &self.users[0]).await);
        violations.extend(i19_one_relay_leads(&leases, &self.stores).await);
        (Report::new(name, &ledger, &facts, violations, self.recoveries, took), self.fleet)
    }
}

/// What is stored can be read by whom it belongs to.
async fn readable(caller: &Caller, facts: &Facts) {
    for event in facts.outbox("task").iter().filter(|event| event.event_type == "task.created.v1") {
        let Some(task) = facts.tasks.get(&event.of) else { continue };
        let (id, creator) = (&event.data["task_id"], &event.data["creator_id"]);
        let path = format!("/api/v1/tasks/{}", id.as_str().expect("an id"));
        let (status, text) = caller.get(creator.as_str().expect("an id"), &path).await.expect("an answer");
        let shown: Value = serde_json::from_str(&text).unwrap_or_default();
        let same = shown["title"].as_str() == Some(&task.title) && shown["version"].as_i64() == Some(task.version);
        assert!(status == 200 && same, "I1: {path}: {status} {text}; stored is {task:?}");
    }
}

/// Lets a fault last.
pub async fn last(duration: Duration) {
    tokio::time::sleep(duration).await;
}
