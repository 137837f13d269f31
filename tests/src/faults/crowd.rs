//! What one event that cannot be handled costs a thousand others. Rule: the same load in short turns, calm and poisoned, in
//! an order that favours neither, on the same tasks and under the same looks; how long an effect takes is what the tables
//! say, from the event's transaction to the effect's. What the calm turns differ by is the noise of the machine.

mod figures;

pub use figures::Figures;
use figures::Took;

use super::caller::Caller;
use super::checker::check_effects;
use super::facts::Facts;
use super::fleet::{ATTEMPTS, Fleet, LONGEST_BACKOFF};
use super::mind::Dice;
use super::poison::{CONSUMER, cure, dead_letters, poison, retry};
use super::store::Row;
use super::watch::{Stores, rest};
use contracts::{Clock, SystemClock};
use futures_util::stream::{self, StreamExt};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

/// Tasks, the first of which is poisoned.
const TASKS: usize = 1_000;
const USERS: usize = 6;
/// Requests at once.
const AT_ONCE: usize = 64;
/// Of an event, before it is dead; there is no hour to wait for twelve.
const TRIES: i64 = 5;
/// Between two looks.
const LOOK: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest turn: every task comes up four times. What disturbs a machine for minutes then disturbs both kinds.
const TURN: Duration = Duration::from_secs(20);

/// How much of it.
#[derive(Debug, Clone)]
pub struct Extent {
    /// Of the choice of who makes which task.
    pub seed: u64,
    /// Events a second.
    pub rate: f64,
    /// How long it runs poisoned, and how long without, in turns.
    pub span: Duration,
}

/// A task and who may finish it.
#[derive(Debug, Clone)]
struct Known {
    id: String,
    assignee: String,
    creator: String,
}

struct Crowd {
    caller: Caller,
    tasks: Vec<Known>,
    next: AtomicU64,
    refused: AtomicU64,
}

/// Measures a system that does not run yet.
///
/// # Panics
/// When it does not work.
pub async fn measure(mut fleet: Fleet, extent: &Extent) -> Figures {
    for name in fleet.names() {
        fleet.set(name, ATTEMPTS, Some(&TRIES.to_string()));
        fleet.set(name, LONGEST_BACKOFF, Some("2"));
        fleet.spawn(name);
    }
    fleet.ready().await;
    let stores = fleet.stores();
    let crowd = Arc::new(Crowd::gather(Caller::new(&fleet.addresses()), extent.seed).await);
    settle(&stores).await;
    let poisoned = crowd.tasks[0].id.clone();
    let turns = u32::try_from(extent.span.as_secs().div_ceil(TURN.as_secs())).unwrap_or(1).max(1);
    let turn = Extent { span: extent.span / turns, ..extent.clone() };
    let (mut calm, mut worse) = (Vec::new(), Vec::new());
    let (mut visible, mut dead, mut drained) = (None, None, (0, Duration::ZERO));
    for pair in 0..turns {
        // Calm first in one pair, poisoned first in the next.
        for poisons in [pair % 2 == 1, pair % 2 == 0] {
            if poisons {
                poison(&stores, &poisoned).await;
            }
            let (places, seen) = crowd.watched(&turn, &stores, &poisoned).await;
            if poisons {
                let emitted = emitted_at(&stores, &poisoned).await;
                visible = visible.max(seen.visible.map(|at| between(emitted, at)));
                dead = dead.max(seen.dead);
                drained = drained.max(crowd.mend(&stores, &poisoned).await);
            }
            settle(&stores).await;
            if poisons { &mut worse } else { &mut calm }.push(Took::of(&stores, &poisoned, &places).await);
        }
    }
    let violations = check_effects(&Facts::read(&stores).await);
    let refused = crowd.refused.load(Ordering::Relaxed);
    let (visible, dead) = (visible.expect("a failure that is seen"), dead.expect("a dead letter that is seen"));
    Figures { name: fleet.topology.name, calm, poisoned: worse, refused, visible, dead, drained, violations }
}

impl Crowd {
    async fn gather(caller: Caller, seed: u64) -> Self {
        let users = caller.register(USERS).await;
        let mut dice = Dice::new(seed);
        let pairs: Vec<(String, String)> = (0..TASKS)
            .map(|_| {
                let at = dice.below(USERS);
                (users[at].clone(), users[(at + 1 + dice.below(USERS - 1)) % USERS].clone())
            })
            .collect();
        let asking = &caller;
        let make = |(creator, assignee): (String, String)| async move {
            let body = json!({"title": "one of many", "assignee_id": assignee});
            let made = asking.write(&creator, Method::POST, "/api/v1/tasks", Some(body)).await;
            let (status, text) = made.expect("an answer");
            assert_eq!(status, 201, "{text}");
            let task: Value = serde_json::from_str(&text).expect("a task");
            Known { id: task["id"].as_str().expect("an id").to_owned(), assignee, creator }
        };
        let tasks = stream::iter(pairs).map(make).buffered(AT_ONCE).collect().await;
        Self { caller, tasks, next: AtomicU64::new(0), refused: AtomicU64::new(0) }
    }

    /// Completes every task in turn, then opens every one again, and so on; the places in the outbox of what that emitted.
    async fn ask(self: &Arc<Self>, extent: &Extent, stores: &Stores) -> (i64, i64) {
        let from = newest(stores).await;
        let mut tick = interval(Duration::from_secs_f64(1.0 / extent.rate));
        tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let (started, mut under_way) = (Instant::now(), JoinSet::new());
        while started.elapsed() < extent.span {
            tick.tick().await;
            while under_way.len() >= AT_ONCE {
                under_way.join_next().await;
            }
            let crowd = Arc::clone(self);
            under_way.spawn(async move { crowd.ask_once().await });
        }
        while under_way.join_next().await.is_some() {}
        (from, newest(stores).await)
    }

    /// Ends the cause and retries what is dead; how many events of that task waited, and how long all that took.
    async fn mend(&self, stores: &Stores, poisoned: &str) -> (usize, Duration) {
        others_done(stores, poisoned).await;
        cure(stores).await;
        let waiting = undone(stores, poisoned).await.len();
        let since = Instant::now();
        for event in dead_letters(stores).await {
            assert_eq!(retry(&self.caller, event).await, Ok(202));
        }
        settle(stores).await;
        (waiting, since.elapsed())
    }

    /// The same, and an operator who looks for that task all the while.
    async fn watched(self: &Arc<Self>, extent: &Extent, stores: &Stores, task: &str) -> ((i64, i64), Sightings) {
        let admin = self.caller.enter("admin").await.expect("an administrator");
        let (mut seen, over) = (Sightings::default(), AtomicBool::new(false));
        let asking = async {
            let asked = self.ask(extent, stores).await;
            over.store(true, Ordering::Relaxed);
            asked
        };
        let looking = async {
            let mut looks = interval(LOOK);
            looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while !over.load(Ordering::Relaxed) {
                looks.tick().await;
                seen.look(self, &admin, stores, task).await;
            }
        };
        let (asked, ()) = tokio::join!(asking, looking);
        (asked, seen)
    }

    async fn ask_once(&self) {
        let turn = usize::try_from(self.next.fetch_add(1, Ordering::Relaxed)).expect("a number");
        let task = &self.tasks[turn % TASKS];
        let (by, verb) =
            if (turn / TASKS).is_multiple_of(2) { (&task.assignee, "complete") } else { (&task.creator, "reopen") };
        let path = format!("/api/v1/tasks/{}/{verb}", task.id);
        if !matches!(self.caller.write(by, Method::POST, &path, None).await, Ok((200, _))) {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What an operator has seen of a failing event.
#[derive(Debug, Default)]
struct Sightings {
    /// When it was first seen, in microseconds.
    visible: Option<i64>,
    /// When the last attempt was due, in microseconds.
    due: i64,
    dead: Option<Duration>,
}

impl Sightings {
    /// The questions are the same whether there is something to be seen or not, and what was seen is looked into after the
    /// turn: reading the tables in one kind of turn alone would be measured as the poison's.
    async fn look(&mut self, crowd: &Crowd, admin: &str, stores: &Stores, task: &str) {
        let subject = format!("task/{task}");
        let health = crowd.caller.look(0, "/health?verbose=true").await.map(|(_, health)| health).unwrap_or_default();
        let blocked = health["checks"][CONSUMER]["messaging"]["blocked"].as_array().cloned().unwrap_or_default();
        if self.visible.is_none() && blocked.iter().any(|event| event["subject"] == subject) {
            self.visible = Some(now());
        }
        let store = &stores[CONSUMER];
        let due = store.micros("next_attempt_at");
        // A wait may end between two looks; then the attempt before counts, and the dead letter seems later than it was.
        let last = format!("SELECT max({due}) FROM inbox WHERE status = 0 AND attempts > 0");
        self.due = maybe(store.read(&last).await).max(self.due);
        let listed = crowd.caller.get(admin, "/api/v1/ops/dead-letters").await;
        if self.dead.is_none() && self.due > 0 && listed.is_ok_and(|(_, listed)| listed.contains(task)) {
            self.dead = Some(between(self.due, now()));
        }
    }
}

/// When the first event of that task was emitted whose effect is missing.
async fn emitted_at(stores: &Stores, task: &str) -> i64 {
    let (store, failing) = (&stores["task"], undone(stores, task).await);
    let failing = store.literal(failing.first().expect("an event that waits"));
    let sql = format!("SELECT {} FROM outbox WHERE event_id = {failing}", store.micros("occurred_at"));
    first(store.read(&sql).await)
}

async fn eventually<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "what was waited for does not come");
        sleep(LOOK).await;
    }
}

fn now() -> i64 {
    SystemClock.now().timestamp_micros()
}

/// Between two instants in microseconds.
fn between(from: i64, to: i64) -> Duration {
    Duration::from_micros(u64::try_from(to - from).unwrap_or_default())
}

async fn settle(stores: &Stores) {
    rest(stores, PATIENCE).await.unwrap_or_else(|error| panic!("{error}"));
}

async fn others_done(stores: &Stores, poisoned: &str) {
    eventually(async || (waiting(stores).await.iter().all(|(_, task)| task == poisoned)).then_some(())).await;
}

/// The events of a task whose effect is missing, in order.
async fn undone(stores: &Stores, task: &str) -> Vec<String> {
    waiting(stores).await.into_iter().filter(|(_, of)| of == task).map(|(event, _)| event).collect()
}

/// Events of tasks whose effect is missing, with their task.
async fn waiting(stores: &Stores) -> Vec<(String, String)> {
    let (from, to) = (&stores["task"], &stores[CONSUMER]);
    let done = to.read(&format!("SELECT {} FROM inbox WHERE status = 1", to.id("event_id"))).await;
    let done: std::collections::HashSet<String> = done.iter().map(|row| text(row, 0)).collect();
    let sql =
        format!("SELECT {}, aggregate_id FROM outbox WHERE aggregate_type = 'task' ORDER BY id", from.id("event_id"));
    let emitted = from.read(&sql).await.into_iter().map(|row| (text(&row, 0), text(&row, 1)));
    emitted.filter(|(event, _)| !done.contains(event)).collect()
}

async fn newest(stores: &Stores) -> i64 {
    first(stores["task"].read("SELECT coalesce(max(id), 0) FROM outbox").await)
}

fn first(rows: Vec<Row>) -> i64 {
    rows.first().map_or(0, |row| number(row, 0))
}

fn maybe(rows: Vec<Row>) -> i64 {
    rows.first().map_or(0, |row| text(row, 0).parse().unwrap_or_default())
}

fn text(row: &Row, at: usize) -> String {
    row[at].clone().unwrap_or_default()
}

fn number(row: &Row, at: usize) -> i64 {
    text(row, at).parse().expect("a number")
}
