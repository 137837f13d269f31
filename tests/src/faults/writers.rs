//! Many writers at once, who share commits, and among them some who break a constraint, some who break a rule and some who go
//! away. Rule: what one of them does costs no other; at the end the process is killed, and what was acknowledged is there,
//! whole, and what was refused has left nothing.

use super::caller::Caller;
use super::checker::{Harm, Violation, check_effects};
use super::facts::Facts;
use super::fleet::Fleet;
use super::mind::Dice;
use super::watch::rest;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

const USERS: usize = 6;
/// Of each, and what goes wrong with one write in a hundred each.
const ONE_IN: usize = 100;
/// How soon a client goes away, in milliseconds, at most.
const GONE_WITHIN: usize = 8;
/// After an answer that says that it is to be asked later.
const PAUSE: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(120);
/// A name of a category that everybody has already.
const TAKEN: &str = "taken";

/// How much of it.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Of what the writers do.
    pub seed: u64,
    /// How many there are.
    pub writers: usize,
    /// How long they write before the process is killed.
    pub span: Duration,
}

/// What a write is meant to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A task.
    Sound,
    /// A second category of one name.
    Constraint,
    /// A task in a category that there is not.
    Rule,
    /// A task whose maker does not wait.
    Gone,
}

/// What its client was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Told {
    /// It is done.
    Done,
    /// It is not, for the reason it was meant to have.
    Refused,
    /// To come again.
    Later,
    /// Nothing.
    Nothing,
}

/// What it came to.
#[derive(Debug)]
pub struct Outcome {
    name: &'static str,
    /// How many writes were told what.
    pub told: BTreeMap<(Kind, Told), usize>,
    /// Of those that were told nothing, how many are there.
    kept: usize,
    span: Duration,
    /// What does not hold at the end.
    pub violations: Vec<Violation>,
}

/// Lets them write in a system that runs, kills it, starts it again and looks.
///
/// # Panics
/// When it does not work.
pub async fn write(mut fleet: Fleet, extent: Extent) -> Outcome {
    let caller = Arc::new(Caller::new(&fleet.addresses()));
    let users = Arc::new(caller.register(USERS).await);
    for user in users.iter() {
        let made = caller.write(user, Method::POST, "/api/v1/categories", Some(json!({ "name": TAKEN }))).await;
        assert_eq!(made.expect("an answer").0, 201);
    }
    let until = Instant::now() + extent.span;
    let mut writers = JoinSet::new();
    for number in 0..extent.writers {
        let writer = Writer {
            number,
            dice: Dice::new(extent.seed.wrapping_mul(1_000_003).wrapping_add(number as u64)),
            caller: Arc::clone(&caller),
            users: Arc::clone(&users),
        };
        writers.spawn(writer.write_until(until));
    }
    sleep(extent.span).await;
    // In the midst of it: a writer ends by itself only when its last write is answered.
    for (name, _) in fleet.running() {
        fleet.kill(name);
    }
    let mut asked = HashMap::new();
    while let Some(ended) = writers.join_next().await {
        asked.extend(ended.expect("a writer without a panic"));
    }
    for name in fleet.names() {
        fleet.spawn(name);
    }
    fleet.ready().await;
    let stores = fleet.stores();
    rest(&stores, PATIENCE).await.unwrap_or_else(|error| panic!("{error}: {}", fleet.said()));
    let facts = Facts::read(&stores).await;
    let described = stores["task"].read("SELECT description FROM category WHERE description IS NOT NULL").await;
    let categories = described.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect();
    let (mut violations, kept) = compare(&asked, &facts, &categories);
    violations.extend(check_effects(&facts));
    let mut told = BTreeMap::new();
    asked.values().for_each(|what| *told.entry(*what).or_default() += 1);
    Outcome { name: fleet.topology.name, told, kept, span: extent.span, violations }
}

/// What the clients were told against what there is; and how many writes are there of those that were told nothing.
fn compare(
    asked: &HashMap<String, (Kind, Told)>,
    facts: &Facts,
    categories: &HashSet<String>,
) -> (Vec<Violation>, usize) {
    let mut stored: HashMap<&str, Vec<&str>> = HashMap::new();
    for (id, task) in &facts.tasks {
        stored.entry(&task.title).or_default().push(id);
    }
    let mut created: HashMap<&str, usize> = HashMap::new();
    for event in facts.outboxes["task"].iter().filter(|event| event.event_type == "task.created.v1") {
        *created.entry(&event.of).or_default() += 1;
    }
    let (mut found, mut kept) = (Vec::new(), 0);
    let mut violated = |harm, what| found.push(Violation::new("writers", harm, what));
    for (title, (kind, told)) in asked {
        let tasks = stored.remove(title.as_str()).unwrap_or_default();
        match told {
            Told::Done if tasks.is_empty() => violated(Harm::Lost, format!("{title} was acknowledged")),
            Told::Refused | Told::Later if !tasks.is_empty() || categories.contains(title) => {
                violated(Harm::Phantom, format!("{title} ({kind:?}) was refused"));
            }
            Told::Nothing => kept += tasks.len(),
            _ => {}
        }
        if tasks.len() > 1 {
            violated(Harm::Duplicated, format!("{title} is there {} times", tasks.len()));
        }
        for task in tasks {
            match created.remove(task) {
                Some(1) => {}
                Some(times) => violated(Harm::Duplicated, format!("{title} has {times} events")),
                None => violated(Harm::Lost, format!("{title} has no event")),
            }
        }
    }
    stored.keys().for_each(|title| violated(Harm::Phantom, format!("nobody asked for {title}")));
    created.keys().for_each(|task| violated(Harm::Phantom, format!("an event of {task}, which is not there")));
    (found, kept)
}

struct Writer {
    number: usize,
    dice: Dice,
    caller: Arc<Caller>,
    users: Arc<Vec<String>>,
}

impl Writer {
    /// What it asked for, by title.
    async fn write_until(mut self, until: Instant) -> Vec<(String, (Kind, Told))> {
        let mut asked = Vec::new();
        while Instant::now() < until {
            let title = format!("{}-{}", self.number, asked.len());
            let kind = match self.dice.below(ONE_IN) {
                0 => Kind::Constraint,
                1 => Kind::Rule,
                2 => Kind::Gone,
                _ => Kind::Sound,
            };
            let told = self.ask(kind, &title).await;
            asked.push((title, (kind, told)));
            if matches!(told, Told::Later | Told::Nothing) {
                sleep(PAUSE).await;
            }
        }
        asked
    }

    async fn ask(&mut self, kind: Kind, title: &str) -> Told {
        let by = &self.users[self.number % USERS];
        let other = &self.users[self.dice.below(USERS)];
        let (path, body) = match kind {
            Kind::Sound | Kind::Gone => ("/api/v1/tasks", json!({"title": title, "assignee_id": other})),
            Kind::Rule => ("/api/v1/tasks", json!({"title": title, "category_id": by})),
            Kind::Constraint => ("/api/v1/categories", json!({"name": TAKEN, "description": title})),
        };
        let asking = self.caller.write(by, Method::POST, path, Some(body));
        let answer = if kind == Kind::Gone {
            let patience = Duration::from_millis(self.dice.below(GONE_WITHIN) as u64);
            timeout(patience, asking).await.unwrap_or_else(|_| Err("gone".to_owned()))
        } else {
            asking.await
        };
        match (kind, answer) {
            (Kind::Sound | Kind::Gone, Ok((201, _))) => Told::Done,
            (Kind::Rule, Ok((422, text))) if code(&text) == "unknown_category" => Told::Refused,
            (Kind::Constraint, Ok((409, text))) if code(&text) == "name_taken" => Told::Refused,
            (_, Ok((503, text))) if code(&text) == "unavailable" => Told::Later,
            (_, Err(_)) => Told::Nothing,
            (kind, Ok((status, text))) => panic!("{kind:?} was answered {status} {text}"),
        }
    }
}

fn code(problem: &str) -> String {
    let problem: Value = serde_json::from_str(problem).unwrap_or_default();
    problem["code"].as_str().unwrap_or_default().to_owned()
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let writes: usize = self.told.values().sum();
        writeln!(f, "{}: {writes} writes in {:?}, then SIGKILL", self.name, self.span)?;
        for ((kind, told), times) in &self.told {
            writeln!(f, "  {kind:?}: {times} told {told:?}")?;
        }
        writeln!(f, "  of those that were told nothing {} are there, whole", self.kept)?;
        self.violations.iter().try_for_each(|violation| writeln!(f, "  {violation}"))
    }
}
