//! Asking the running system. Rule: the address is what was typed, else the process on the data directory, else the
//! public one; the token is never shown and never part of an address.

use crate::config::Config;
use crate::gateway::{ClientFor, GatewayTuning, client};
use crate::start_error::StartError;
use crate::typed_password::typed_password;
use reqwest::{Client, Method, RequestBuilder, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::time::Duration;

/// The server waits 10 s for its services.
const PATIENCE: Duration = Duration::from_secs(15);

/// Why there is no answer.
pub(super) enum Failed {
    /// The server said no.
    Refused(String),
    /// Nobody could be asked.
    NotAsked(StartError),
}

/// A running system, and leave to ask it.
pub(super) struct Server {
    http: Client,
    url: Url,
    token: SecretString,
}

impl Server {
    /// Finds it, and signs in where that is asked for.
    pub(super) async fn find(config: &Config, url: Option<&str>, login: Option<&str>) -> Result<Self, Failed> {
        web::install_crypto();
        let url = address(config, url).map_err(Failed::NotAsked)?;
        let http = client(ClientFor::Requests(&GatewayTuning::default()), url.scheme() == "https");
        let mut server = Self { http: http.map_err(Failed::NotAsked)?, url, token: SecretString::from(String::new()) };
        server.token = match (login, &config.token) {
            (Some(login), _) => server.sign_in(config, login).await?,
            (None, Some(token)) => token.clone(),
            (None, None) => {
                let line = "nobody is signed in: give --login, or an administrator's access token as CLEAVE_TOKEN";
                return Err(Failed::NotAsked(StartError::new(line)));
            }
        };
        Ok(server)
    }

    /// GET below `/api/v1/ops`.
    pub(super) async fn get(&self, path: &[&str], parameters: &[(&str, &str)]) -> Result<Value, Failed> {
        let mut url = self.at(&["ops"], path)?;
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        self.answer(self.http.request(Method::GET, url)).await
    }

    /// POST below `/api/v1/ops`.
    pub(super) async fn post(&self, path: &[&str]) -> Result<Value, Failed> {
        self.answer(self.http.request(Method::POST, self.at(&["ops"], path)?)).await
    }

    async fn sign_in(&self, config: &Config, login: &str) -> Result<SecretString, Failed> {
        let password = match &config.admin_password {
            Some(given) => given.clone(),
            None => typed_password().await.map_err(Failed::NotAsked)?,
        };
        let body = json!({ "login": login, "password": password.expose_secret() });
        let request = self.http.request(Method::POST, self.at(&["auth"], &["login"])?).json(&body);
        let answer = self.send(request).await?;
        Ok(answer.get("access_token").and_then(Value::as_str).unwrap_or_default().into())
    }

    async fn answer(&self, request: RequestBuilder) -> Result<Value, Failed> {
        self.send(request.bearer_auth(self.token.expose_secret())).await
    }

    async fn send(&self, request: RequestBuilder) -> Result<Value, Failed> {
        let nobody = |error: reqwest::Error| {
            let why = if error.is_timeout() { "does not answer in time" } else { "cannot be reached" };
            Failed::NotAsked(StartError::new(format!("{} {why}: is it running? --url names another", self.url)))
        };
        let answer = request.timeout(PATIENCE).send().await.map_err(nobody)?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(nobody)?;
        match serde_json::from_slice::<Value>(&body) {
            Ok(body) if status.is_success() => Ok(body),
            Ok(problem) => Err(Failed::Refused(refusal(status.as_u16(), &problem))),
            Err(_) => {
                let line = format!("{} is not Cleave: it answered {} and no JSON", self.url, status.as_u16());
                Err(Failed::NotAsked(StartError::new(line)))
            }
        }
    }

    fn at(&self, below: &[&str], path: &[&str]) -> Result<Url, Failed> {
        let mut url = self.url.clone();
        match url.path_segments_mut() {
            // Each is encoded: what was typed as an id stays one segment.
            Ok(mut segments) => {
                segments.pop_if_empty().extend(["api", "v1"]).extend(below).extend(path);
            }
            Err(()) => return Err(Failed::NotAsked(StartError::new(format!("{} is no address", self.url)))),
        }
        Ok(url)
    }
}

fn refusal(status: u16, problem: &Value) -> String {
    let text = |member| super::show::plain(super::text(problem, member));
    let detail = [text("detail"), text("title")].into_iter().find(|text| !text.is_empty()).unwrap_or_default();
    format!("{status} {}: {detail} (request {})", text("code"), text("request_id"))
}

fn address(config: &Config, typed: Option<&str>) -> Result<Url, StartError> {
    let file = config.data_dir.join("cleave.addr");
    let local = || std::fs::read_to_string(&file).ok().map(|address| format!("http://{}", address.trim()));
    let found = typed.map(str::to_owned).or_else(local).or_else(|| config.public_url.clone());
    let found = found.ok_or_else(|| {
        StartError::new(format!(
            "there is no {}, so no process runs on this data directory: give --url, or set CLEAVE_PUBLIC_URL",
            file.display()
        ))
    })?;
    let url = Url::parse(&found).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.filter(|url| url.username().is_empty() && url.password().is_none())
        .ok_or_else(|| StartError::new("--url must be http://host:port or https://host, without a login"))
}
