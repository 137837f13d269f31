//! A process that hands requests on, and a client that sees everything.

use runtime::{BusSetting, Config, GatewayTuning, Module, RemoteDomain, Server};
use serde_json::Value;
use std::time::Duration;
use tempfile::TempDir;
use web::At;
use web::openapi::Operation;

pub const NOTES: &str = "/api/v1/notes";

/// Small times, so that a test need not wait for what it is about.
pub fn tuning() -> GatewayTuning {
    GatewayTuning {
        deadline: Duration::from_secs(5),
        check_every: Duration::from_millis(100),
        breaker_failures: 1000,
        breaker_open: Duration::from_millis(300),
        ..GatewayTuning::default()
    }
}

/// A process that serves nothing and hands `/api/v1/notes` on to those targets.
pub async fn gateway(targets: &[String]) -> Gateway {
    gateway_with(&[("notes", targets)], |_| {}).await
}

pub async fn gateway_with(remote: &[(&'static str, &[String])], change: impl FnOnce(&mut Config)) -> Gateway {
    let directory = tempfile::tempdir().unwrap();
    let mut config = Config::embedded(directory.path().join("data"));
    // Nobody connects to it: a process that mounts nothing has no events.
    config.bus = BusSetting::RabbitMq("amqp://nowhere.invalid".into());
    config.seams.gateway = tuning();
    for (name, targets) in remote {
        config.remote.push(RemoteDomain { name: (*name).to_owned(), targets: targets.to_vec() });
    }
    change(&mut config);
    let table = || vec![At::new(NOTES).get(|| async { "never here" }, Operation::new("listNotes", "All notes"))];
    let modules = vec![
        Module::new("notes").prefixes(&[NOTES]).described_by(table),
        Module::new("lists").prefixes(&["/api/v1/lists"]),
    ];
    Gateway { server: runtime::serve(config, modules).await.unwrap(), _directory: directory }
}

pub struct Gateway {
    pub server: Server,
    _directory: TempDir,
}

impl Gateway {
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.address())
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(client().get(self.url(path))).await
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Reply {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Reply { status, headers, body }
    }

    /// The answer to exactly these bytes, as text, read until the connection ends.
    pub async fn raw(&self, request: &str) -> String {
        let heard = testkit::say(self.server.address(), request).await;
        assert!(heard.ended, "the connection goes on: {}", heard.text);
        heard.text
    }

    pub async fn stop(self) {
        self.server.stop().await;
    }
}

/// What a request got: status, headers, and the body as JSON, or as a text where it is none.
pub struct Reply {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Reply {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// A problem document of ours with that status and code.
    #[track_caller]
    pub fn is_problem(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.body["request_id"].as_str(), Some(self.header("x-request-id")));
        assert_eq!(self.header("x-content-type-options"), "nosniff");
    }
}

pub fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .tls_certs_only([])
        .build()
        .unwrap()
}

/// Asks until it is so, for what no clock of ours drives: a look at a target, a breaker.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let asked = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), asked).await.unwrap_or_else(|_| panic!("never {what}"));
}
