//! Who asks, and where: an HTTP client with its users. Rule: a request is sent once; what to make of its answer, or of none,
//! is for who asked.

use super::ledger::{Command, Kind};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long the client waits for an answer: longer than the gateway does.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long before its end a token is replaced.
const TOKEN_LIFE: Duration = Duration::from_secs(8 * 60);
/// What everybody's password is.
pub const PASSWORD: &str = "a long enough secret";

/// What a refused command is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Of the answer.
    pub status: u16,
    /// Of the problem.
    pub code: String,
    /// When to come again.
    pub retry_after: Option<String>,
}

/// Who asks, and where.
#[derive(Debug)]
pub struct Caller {
    http: reqwest::Client,
    /// Base URLs, taken in turns; a request that one does not answer is sent to the next.
    bases: Vec<String>,
    turn: AtomicU64,
    /// By id.
    users: tokio::sync::Mutex<HashMap<String, User>>,
}

/// Somebody who is signed in.
#[derive(Debug)]
struct User {
    name: String,
    /// Empty once it was refused.
    token: String,
    since: Instant,
}

impl User {
    fn new(name: &str, token: String) -> Self {
        Self { name: name.to_owned(), token, since: Instant::now() }
    }
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
            self.users.lock().await.insert(id.clone(), User::new(&name, token));
            ids.push(id);
        }
        ids
    }

    /// A GET by that user; status and body.
    ///
    /// # Errors
    /// No answer came.
    pub async fn get(&self, user: &str, path: &str) -> Result<(u16, String), String> {
        self.send_as(user, Method::GET, path, Vec::new(), None).await
    }

    /// A write by that user, once; status and body.
    ///
    /// # Errors
    /// No answer came.
    pub async fn write(
        &self,
        user: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<(u16, String), String> {
        self.send_as(user, method, path, Vec::new(), body).await
    }

    /// Lets somebody ask who is there already; the id.
    ///
    /// # Errors
    /// The login is refused, or no answer came.
    pub async fn enter(&self, name: &str) -> Result<String, String> {
        let token = self.sign_in(name).await?;
        self.users.lock().await.insert(name.to_owned(), User::new(name, token));
        Ok(name.to_owned())
    }

    /// What that user is told who makes a task.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn refusal(&self, user: &str) -> Refusal {
        let token = self.token(user).await.expect("a token");
        let request = self.http.post(format!("{}/api/v1/tasks", self.bases[0])).bearer_auth(token);
        let request = request.header(CONTENT_TYPE, "application/json").body(json!({"title": "refused"}).to_string());
        let answer = request.send().await.expect("an answer");
        let retry_after = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let status = answer.status().as_u16();
        let problem: Value = answer.json().await.expect("a problem");
        Refusal { status, code: problem["code"].as_str().unwrap_or_default().to_owned(), retry_after }
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
        let User { name, token, since } = users.get_mut(user).expect("a user of ours");
        if token.is_empty() || since.elapsed() > TOKEN_LIFE {
            *token = self.sign_in(name).await?;
            *since = Instant::now();
        }
        Ok(token.clone())
    }

    /// Sends it once; who is told that the token is not good signs in anew the next time.
    async fn send_as(
        &self,
        user: &str,
        method: Method,
        path: &str,
        mut headers: Vec<(&str, String)>,
        body: Option<Value>,
    ) -> Result<(u16, String), String> {
        let token = self.token(user).await?;
        headers.push(("authorization", format!("Bearer {token}")));
        let answer = self.send(method, path, Some(&headers), body).await;
        if let Ok((401, _)) = answer {
            let mut users = self.users.lock().await;
            if let Some(user) = users.get_mut(user).filter(|user| user.token == token) {
                user.token.clear();
            }
        }
        answer
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
    pub(crate) async fn command(&self, command: &Command) -> Result<(u16, String), String> {
        let headers = vec![("idempotency-key", command.key.clone())];
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
        self.send_as(&command.by, method, &path, headers, body).await
    }
}
