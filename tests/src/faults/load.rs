//! A client that asks at a steady rate and writes down what came of it. Rule: whatever is not an answer is asked again under
//! the same key, as any careful client does, until it is told; some answers are asked for twice on purpose.

use super::caller::Caller;
use super::ledger::{Command, Kind, Ledger, Line};
use super::mind::Mind;
use serde_json::Value;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval, sleep};

/// Between two tries of the same command, at least and at most.
const AGAIN: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// How many commands may be under way; more wait for their turn.
const AT_ONCE: usize = 256;
/// Every so many-th command is sent again although it was answered.
const TWICE_EVERY: u64 = 25;
/// After every so many-th command its task is read.
const READ_EVERY: u64 = 10;
/// At every so many-th command the client first hangs up, somewhen in that time.
const HANG_UP_EVERY: u64 = 40;
const HANG_UP_WITHIN: u64 = 25;

/// What a run counts while it runs.
#[derive(Debug, Default)]
pub struct Counts {
    /// Commands that were acknowledged.
    pub acknowledged: AtomicU64,
    /// Commands that were refused.
    pub refused: AtomicU64,
    /// Commands with an outcome that was unknown at first.
    pub unknown: AtomicU64,
    /// Requests that the client itself gave up.
    pub hung_up: AtomicU64,
}

/// A running load.
pub struct Load {
    stop: Arc<AtomicBool>,
    driver: JoinHandle<u64>,
    /// See [`Counts`].
    pub counts: Arc<Counts>,
}

/// What one command needs.
struct Run {
    caller: Arc<Caller>,
    ledger: Ledger,
    mind: Mutex<Mind>,
    counts: Arc<Counts>,
}

impl Load {
    /// Begins to ask, `rate` times a second.
    #[must_use]
    pub fn start(caller: Arc<Caller>, ledger: Ledger, mind: Mind, rate: f64) -> Self {
        let (stop, counts) = (Arc::new(AtomicBool::new(false)), Arc::new(Counts::default()));
        let run = Arc::new(Run { caller, ledger, mind: Mutex::new(mind), counts: Arc::clone(&counts) });
        let driver = tokio::spawn(drive(run, rate, Arc::clone(&stop)));
        Self { stop, driver, counts }
    }

    /// How many commands were acknowledged so far.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.counts.acknowledged.load(Ordering::Relaxed)
    }

    /// Asks for nothing new, and returns when the outcome of everything is known; how many were asked.
    ///
    /// # Panics
    /// When something stays unknown for longer than `deadline`.
    pub async fn finish(self, deadline: Duration) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        let ended = tokio::time::timeout(deadline, self.driver).await;
        ended.expect("every outcome known in time").expect("a load without a panic")
    }
}

async fn drive(run: Arc<Run>, rate: f64, stop: Arc<AtomicBool>) -> u64 {
    let mut tick = interval(Duration::from_secs_f64(1.0 / rate));
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut under_way = JoinSet::new();
    let mut asked = 0;
    while !stop.load(Ordering::Relaxed) {
        tick.tick().await;
        while let Some(ended) = under_way.try_join_next() {
            ended.expect("a command without a panic");
        }
        if under_way.len() >= AT_ONCE {
            continue;
        }
        let command = run.mind.lock().unwrap().choose();
        if let Some(command) = command {
            asked += 1;
            let run = Arc::clone(&run);
            under_way.spawn(async move { run.carry_out(command).await });
        }
    }
    while let Some(ended) = under_way.join_next().await {
        ended.expect("a command without a panic");
    }
    asked
}

impl Run {
    async fn carry_out(&self, command: Command) {
        self.ledger.append(Line::Invoke(command.clone())).await;
        let op = command.op;
        let (mut pause, mut tries) = (AGAIN.0, 0);
        loop {
            let why = match self.ask(&command, tries).await {
                Ok((status, text)) if (200..300).contains(&status) => {
                    let task = self.ok(op, status, &text).await;
                    if op.is_multiple_of(TWICE_EVERY) && command.kind != Kind::Delete {
                        self.again(&command).await;
                    }
                    if op % READ_EVERY == 3 && command.kind != Kind::Delete {
                        self.look(&command, task.as_deref()).await;
                    }
                    self.mind.lock().unwrap().done(&command, task.as_deref());
                    return;
                }
                // The first DELETE was carried out, and its answer lost.
                Ok((404, text)) if command.kind == Kind::Delete && tries > 0 => {
                    self.ok(op, 404, &text).await;
                    self.mind.lock().unwrap().done(&command, None);
                    return;
                }
                Ok((status, text)) if is_no_answer(status, &text) => format!("{status} {text}"),
                Ok((status, _)) => {
                    self.counts.refused.fetch_add(1, Ordering::Relaxed);
                    self.ledger.append(Line::Fail { op, status }).await;
                    self.mind.lock().unwrap().refused(&command);
                    return;
                }
                Err(error) => error,
            };
            if tries == 0 {
                self.counts.unknown.fetch_add(1, Ordering::Relaxed);
            }
            tries += 1;
            self.ledger.append(Line::Unknown { op, why }).await;
            sleep(pause).await;
            pause = (pause * 2).min(AGAIN.1);
        }
    }

    /// Sends it once; some clients do not wait for the answer to their first try.
    async fn ask(&self, command: &Command, tries: u64) -> Result<(u16, String), String> {
        let asking = self.caller.command(command);
        if tries > 0 || !command.op.is_multiple_of(HANG_UP_EVERY) {
            return asking.await;
        }
        let patience = Duration::from_millis(command.op / HANG_UP_EVERY % HANG_UP_WITHIN);
        let answered = tokio::time::timeout(patience, asking).await;
        answered.unwrap_or_else(|_| {
            self.counts.hung_up.fetch_add(1, Ordering::Relaxed);
            Err("the client hung up".to_owned())
        })
    }

    /// Reads the task that was just changed. Nothing else is under way on it.
    async fn look(&self, command: &Command, task: Option<&str>) {
        let Some(task) = command.task.as_deref().or(task) else { return };
        let version = match self.caller.get(&command.by, &format!("/api/v1/tasks/{task}")).await {
            Ok((200, text)) => serde_json::from_str::<Value>(&text).unwrap_or_default()["version"].as_i64(),
            Ok((404, _)) => None,
            _ => return,
        };
        self.ledger.append(Line::Read { op: command.op, task: task.to_owned(), version }).await;
    }

    /// Asks for what was answered, as a client does that lost the answer.
    async fn again(&self, command: &Command) {
        if let Ok((status, text)) = self.caller.command(command).await
            && (200..300).contains(&status)
        {
            self.note(command.op, status, &text).await;
        }
    }

    async fn ok(&self, op: u64, status: u16, text: &str) -> Option<String> {
        let task = self.note(op, status, text).await;
        self.counts.acknowledged.fetch_add(1, Ordering::Relaxed);
        task
    }

    async fn note(&self, op: u64, status: u16, text: &str) -> Option<String> {
        let body: Value = serde_json::from_str(text).unwrap_or_default();
        let task = body["id"].as_str().filter(|_| status < 300).map(str::to_owned);
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let version = body["version"].as_i64();
        self.ledger.append(Line::Ok { op, status, task: task.clone(), version, answer: hasher.finish() }).await;
        task
    }
}

/// Whether a status says nothing about what became of the command, or that it has to be asked again.
fn is_no_answer(status: u16, text: &str) -> bool {
    let in_flight = status == 409 && text.contains("idempotency_in_flight");
    // A token that ended on the way, or a key set that is not loaded yet: nothing was done.
    status >= 500 || in_flight || matches!(status, 401 | 408 | 429)
}
