//! Who asks: users who registered and signed in, and their tokens. Rule: both are done by the API, so that the tokens are real.

use futures_util::stream::{self, StreamExt};
use reqwest::Client;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// What everybody's password is.
pub const PASSWORD: &str = "a long enough secret";
/// The administrator who is there from the start.
const ADMIN: &str = "admin";
/// Passwords that are hashed at once: more only wait, and not for ever.
const AT_ONCE: usize = 4;
/// A token holds for ten minutes.
const FRESH: Duration = Duration::from_secs(6 * 60);

/// Users, and their tokens.
#[derive(Debug, Clone)]
pub struct Crowd {
    http: Client,
    address: SocketAddr,
    /// In the order of their registration.
    pub ids: Vec<Uuid>,
    /// In the same order.
    pub tokens: Vec<String>,
    /// The administrator's.
    pub admin: String,
    since: Option<Instant>,
}

impl Crowd {
    /// Registers so many.
    ///
    /// # Panics
    /// When one is refused.
    pub async fn register(address: SocketAddr, count: usize) -> Self {
        let http = Client::builder().no_proxy().build().expect("a client");
        let (ids, tokens, admin) = (Vec::new(), Vec::new(), String::new());
        let mut crowd = Self { http, address, ids, tokens, admin, since: None };
        let bodies = (0..count).map(|n| {
            let name = format!("user-{n}");
            json!({"username": name, "email": format!("{name}@example.org"), "password": PASSWORD})
        });
        let users = crowd.post_all("/api/v1/auth/register", bodies).await;
        crowd.ids = users.iter().map(|user| text(user, "id").parse().expect("an id")).collect();
        crowd
    }

    /// Signs everybody in whose token ends soon.
    ///
    /// # Panics
    /// When one is refused.
    pub async fn sign_in(&mut self) {
        if self.since.is_some_and(|since| since.elapsed() < FRESH) {
            return;
        }
        self.since = Some(Instant::now());
        let names = (0..self.ids.len()).map(|n| format!("user-{n}")).chain([ADMIN.to_owned()]);
        let bodies = names.map(|name| json!({"login": name, "password": PASSWORD}));
        let signed_in = self.post_all("/api/v1/auth/login", bodies).await;
        let mut tokens: Vec<String> = signed_in.iter().map(|tokens| text(tokens, "access_token").to_owned()).collect();
        self.admin = tokens.pop().unwrap_or_default();
        self.tokens = tokens;
    }

    /// The keys that their tokens are verified with.
    ///
    /// # Panics
    /// When they are not shown.
    pub async fn keys(&self) -> String {
        let answer = self.http.get(format!("http://{}/.well-known/jwks.json", self.address)).send().await;
        answer.expect("an answer").text().await.expect("the keys")
    }

    /// What is answered, in the order in which it was asked.
    async fn post_all(&self, path: &str, bodies: impl Iterator<Item = Value>) -> Vec<Value> {
        stream::iter(bodies.map(|body| self.post(path, body))).buffered(AT_ONCE).collect().await
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let request = self.http.post(format!("http://{}{path}", self.address));
        let request = request.header("content-type", "application/json").body(body.to_string());
        let answer = request.send().await.expect("an answer");
        let (status, text) = (answer.status(), answer.text().await.expect("an answer"));
        assert!(status.is_success(), "{path}: {text}");
        serde_json::from_str(&text).expect("an object")
    }
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}"))
}
