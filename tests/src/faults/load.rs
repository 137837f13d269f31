//! A client that asks at a steady rate and writes down what came of it. Rule: whatever is not an answer is asked again under
//! the same key, as any careful client does, until it is told; some answers are asked for twice on purpose.

use super::ledger::{Command, Kind, Ledger, Line};
use super::mind::Mind;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval, sleep};

/// How long the client waits for an answer: longer than the gateway does.
const PATIENCE: Duration = Duration::from_secs(15);
/// Between two tries of the same command, at least and at most.
const AGAIN: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// How long before its end a token is replaced.
const TOKEN_LIFE: Duration = Duration::from_secs(8 * 60);
/// How many commands may be under way; more wait for their turn.
const AT_ONCE: usize = 256;
/// Every so many-th command is sent again although it was answered.
const TWICE_EVERY: u64 = 25;
/// What everybody's password is.
pub const PASSWORD: &str = "a long enough secret";

/// What a run counts while it runs.
#[derive(Debug, Default)]
pub struct Counts {
    /// Commands that were acknowledged.
    pub acknowledged: AtomicU64,
    /// Commands that were refused.
    pub refused: AtomicU64,
    /// Commands with an outcome that was unknown at first.
    pub unknown: AtomicU64,
}

/// Who asks, and where.
#[derive(Debug)]
pub struct Caller {
    http: reqwest::Client,
    /// Base URLs, taken in turns; a request that one does not answer is sent to the next.
    bases: Vec<String>,
    turn: AtomicU64,
    /// By id: the name, the token, and when it was given.
    users: tokio::sync::Mutex<HashMap<String, (String, String, Instant)>>,
}

impl Caller {
    /// Somebody at those addresses.
    ///
    /// # Panics
    /// When there can be no HTTP client.
    #[must_use]
    pub fn new(addresses: &[String]) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).pool_idle_timeout(Duration::from_secs(5));
        let bases = addresses.iter().map(|address| format!("http://{address}")).collect();
        Self { http: http.build().expect("a client"), bases, turn: AtomicU64::new(0), users: Default::default() }
    }

    /// Registers so many users; their ids.
    ///
    /// # Panics
    /// When one is refused.
    pub async fn register(&self, count: usize) -> Vec<String> {
        let mut ids = Vec::new();
        for n in 0..count {
            let name = format!("user-{n}");
            let body = json!({"username": name, "email": format!("{name}@example.org"), "password": PASSWORD});
            let (status, text) =
                self.send(Method::POST, "/api/v1/auth/register", None, Some(body)).await.expect("an answer");
            assert_eq!(status, 201, "{text}");
            let user: Value = serde_json::from_str(&text).expect("a user");
            let id = user["id"].as_str().expect("an id").to_owned();
            let token = self.sign_in(&name).await.expect("a token");
            self.users.lock().await.insert(id.clone(), (name, token, Instant::now()));
            ids.push(id);
        }
        ids
    }

    /// A GET by that user; status and body.
    ///
    /// # Errors
    /// No answer came.
    pub async fn get(&self, user: &str, path: &str) -> Result<(u16, String), String> {
        let token = self.token(user).await?;
        self.send(Method::GET, path, Some(&[("authorization", format!("Bearer {token}"))]), None).await
    }

    /// A GET by nobody, of the process at that place of the list.
    ///
    /// # Errors
    /// No answer came.
    pub async fn look(&self, at: usize, path: &str) -> Result<(u16, Value), String> {
        let answer =
            self.http.get(format!("{}{path}", self.bases[at])).send().await.map_err(|error| error.to_string())?;
        let status = answer.status().as_u16();
        Ok((status, answer.json().await.map_err(|error| error.to_string())?))
    }

    async fn token(&self, user: &str) -> Result<String, String> {
        let mut users = self.users.lock().await;
        let (name, token, since) = users.get_mut(user).expect("a user of ours");
        if since.elapsed() > TOKEN_LIFE {
            *token = self.sign_in(name).await?;
            *since = Instant::now();
        }
        Ok(token.clone())
    }

    async fn sign_in(&self, name: &str) -> Result<String, String> {
        let body = json!({"login": name, "password": PASSWORD});
        let (status, text) = self.send(Method::POST, "/api/v1/auth/login", None, Some(body)).await?;
        let tokens: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let token = tokens["access_token"].as_str().filter(|_| status == 200);
        token.map(str::to_owned).ok_or_else(|| format!("login: {status}"))
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: Option<&[(&str, String)]>,
        body: Option<Value>,
    ) -> Result<(u16, String), String> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let base = &self.bases[usize::try_from(turn).expect("a number") % self.bases.len()];
        let mut request: RequestBuilder = self.http.request(method, format!("{base}{path}"));
        for (name, value) in headers.unwrap_or_default() {
            request = request.header(*name, value);
        }
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let answer = request.send().await.map_err(|error| format!("{error:?}"))?;
        let status = answer.status().as_u16();
        Ok((status, answer.text().await.map_err(|error| format!("{error:?}"))?))
    }

    /// Sends a command once.
    async fn command(&self, command: &Command) -> Result<(u16, String), String> {
        let token = self.token(&command.by).await?;
        let headers = [("authorization", format!("Bearer {token}")), ("idempotency-key", command.key.clone())];
        let path = format!("/api/v1/tasks/{}", command.task.as_deref().unwrap_or_default());
        let (method, path, body) = match command.kind {
            Kind::Create => {
                let body = json!({"title": command.title, "assignee_id": command.assignee});
                (Method::POST, "/api/v1/tasks".to_owned(), Some(body))
            }
            Kind::Rename => (Method::PATCH, path, Some(json!({"title": command.title}))),
            Kind::Assign => (Method::PATCH, path, Some(json!({"assignee_id": command.assignee}))),
            Kind::Complete => (Method::POST, format!("{path}/complete"), None),
            Kind::Reopen => (Method::POST, format!("{path}/reopen"), None),
            Kind::Delete => (Method::DELETE, path, None),
            // A field that there is not: the title beside it must not be taken either.
            Kind::Wrong => (Method::PATCH, path, Some(json!({"title": command.title, "nonsense": 1}))),
        };
        self.send(method, &path, Some(&headers), body).await
    }
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
            let why = match self.caller.command(&command).await {
                Ok((status, text)) if (200..300).contains(&status) => {
                    let task = self.ok(op, status, &text).await;
                    if op.is_multiple_of(TWICE_EVERY) && command.kind != Kind::Delete {
                        self.again(&command).await;
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
