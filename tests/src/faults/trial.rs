//! A system under load, from its first user to its report. Rule: the fault is the test's; what is measured and what must hold
//! afterwards is the same for all.

use super::checker::check;
use super::facts::Facts;
use super::fleet::Fleet;
use super::ledger::Ledger;
use super::load::{Caller, Load};
use super::mind::Mind;
use super::report::Report;
use super::watch::{Pending, Stores, rest};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Who asks; several, because each may keep so many idempotency records.
const USERS: usize = 6;
/// Events that a command makes, on average; what the load is reckoned with.
const EVENTS_A_COMMAND: f64 = 1.35;
/// How long everything may take to come to rest when all is healed.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a system came back from a fault.
#[derive(Debug, Clone, Copy)]
pub struct Recovery {
    /// Effects that were missing when the fault ended.
    pub missing: usize,
    /// After how long the first of them was there.
    pub first: Duration,
    /// After how long all of them were.
    pub all: Duration,
}

/// A running trial.
pub struct Trial {
    /// The processes.
    pub fleet: Fleet,
    caller: Arc<Caller>,
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
        let mind = Mind::new(seed, users);
        let load = Load::start(Arc::clone(&caller), Ledger::create(&path), mind, events / EVENTS_A_COMMAND);
        let trial = Self { fleet, caller, load, ledger: path, stores, started: Instant::now(), recoveries: Vec::new() };
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

    /// How many commands were acknowledged so far.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.load.acknowledged()
    }

    /// The fault has just ended: returns when all that is committed now has had its effect, and new commands are accepted;
    /// the time that took is one recovery.
    ///
    /// # Panics
    /// When that takes too long.
    pub async fn recover(&mut self) -> Recovery {
        let since = Instant::now();
        let pending = Pending::now(&self.stores).await;
        let missing = pending.count();
        let (recovered, ()) = tokio::join!(pending.done(&self.stores, PATIENCE), self.more(1));
        let took = since.elapsed();
        self.recoveries.push(took);
        let name = self.fleet.topology.name;
        let first = recovered.unwrap_or_else(|error| panic!("{name} does not recover: {error}\n{}", self.fleet.said()));
        Recovery { missing, first, all: took }
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
        let facts = Facts::read(&self.stores).await;
        let ledger = Ledger::read(&self.ledger);
        let violations = check(&ledger, &facts);
        readable(&self.caller, &facts).await;
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
