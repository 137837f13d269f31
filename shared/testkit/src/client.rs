//! An HTTP client that reads like a sentence: `anna.post("/api/v1/tasks", json!({…})).await.expect(201)`.

use contracts::UserId;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::Value;
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection that was idle for longer is not used again: the server may be closing it at that moment.
const IDLE: Duration = Duration::from_secs(5);

/// Somebody who speaks to the system; a clone speaks as the same person.
#[derive(Debug, Clone)]
pub struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) base: String,
    pub(crate) token: Option<String>,
    pub(crate) id: Option<UserId>,
    pub(crate) name: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
}

impl Client {
    /// Somebody without a token who speaks to that address, `127.0.0.1:8000`.
    ///
    /// # Panics
    /// When no HTTP client can be built.
    #[must_use]
    pub fn nobody(address: &str) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(PATIENCE)
            .pool_idle_timeout(IDLE)
            .build()
            .expect("an HTTP client");
        let base = format!("http://{address}");
        Self { http, base, token: None, id: None, name: String::new(), headers: Vec::new() }
    }

    /// The same client, speaking to another address over the same pool of connections.
    #[must_use]
    pub(crate) fn at(&self, address: &str) -> Self {
        Self { base: format!("http://{address}"), ..self.clone() }
    }

    /// Who it is.
    ///
    /// # Panics
    /// When it is nobody.
    #[must_use]
    pub fn id(&self) -> UserId {
        self.id.expect("a client that is somebody")
    }

    /// The user's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The bearer token, if it has one.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The same client with another token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same client, sending one header more.
    #[must_use]
    pub fn with(&self, header: &str, value: &str) -> Self {
        self.with_bytes(header, value.as_bytes())
    }

    /// The same, of a header that need not be text.
    #[must_use]
    pub fn with_bytes(&self, header: &str, value: &[u8]) -> Self {
        let mut client = self.clone();
        client.headers.push((header.to_owned(), value.to_owned()));
        client
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, None).await
    }

    /// POST with a JSON body; `Value::Null` sends none.
    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(Method::POST, path, json_body(&body)).await
    }

    /// PUT with a JSON body.
    pub async fn put(&self, path: &str, body: Value) -> Reply {
        self.send(Method::PUT, path, json_body(&body)).await
    }

    /// PATCH with a JSON merge patch.
    pub async fn patch(&self, path: &str, body: Value) -> Reply {
        let merge_patch = body.to_string().into_bytes();
        self.send(Method::PATCH, path, Some(("application/merge-patch+json", merge_patch))).await
    }

    /// DELETE, without a body.
    pub async fn delete(&self, path: &str) -> Reply {
        self.send(Method::DELETE, path, None).await
    }

    /// DELETE with a JSON body.
    pub async fn delete_with(&self, path: &str, body: Value) -> Reply {
        self.send(Method::DELETE, path, json_body(&body)).await
    }

    /// Any method, any body.
    ///
    /// # Panics
    /// When no answer comes.
    pub async fn send(&self, method: Method, path: &str, body: Option<(&str, Vec<u8>)>) -> Reply {
        match self.try_send(method.clone(), path, body).await {
            Ok(reply) => reply,
            Err(error) => panic!("{method} {path}: no answer: {error:?}"),
        }
    }

    /// Any method, any body; for servers that may be gone.
    ///
    /// # Errors
    /// No answer came.
    pub async fn try_send(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, Vec<u8>)>,
    ) -> Result<Reply, reqwest::Error> {
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some((content_type, bytes)) = body {
            request = request.header(CONTENT_TYPE, content_type).body(bytes);
        }
        for (header, value) in &self.headers {
            request = request.header(header, value.as_slice());
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Reply { request: format!("{method} {path}"), status, headers, body, text })
    }
}

fn json_body(body: &Value) -> Option<(&'static str, Vec<u8>)> {
    (!body.is_null()).then(|| ("application/json", body.to_string().into_bytes()))
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    request: String,
    /// The HTTP status.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The body as JSON; `Null` when it is none.
    pub body: Value,
    /// The body as it came.
    pub text: String,
}

impl Reply {
    /// A header, or the empty text.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body of an answer with that status.
    ///
    /// # Panics
    /// When the status is another; the message holds the whole answer.
    #[track_caller]
    #[expect(clippy::must_use_candidate, reason = "often the status is all that matters")]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {} {}", self.request, self.status, self.text);
        self.body
    }

    /// The body of a problem document with that status and code.
    ///
    /// # Panics
    /// When the answer is anything else.
    #[track_caller]
    pub fn expect_problem(self, status: u16, code: &str) -> Value {
        let (kind, request) = (self.header("content-type").to_owned(), self.request.clone());
        let body = self.expect(status);
        assert_eq!(kind, "application/problem+json", "{request}: {body}");
        assert_eq!(body["code"], code, "{request}: {body}");
        assert_eq!(body["status"], status, "{request}: {body}");
        assert!(body["request_id"].is_string(), "{request}: {body}");
        body
    }
}
