//! What this process itself asks a service, on behalf of a client. Rule: with the client's own token, which the service
//! verifies again; who does not answer is named, and never taken for one who has nothing.

use super::failure::{Failure, nobody};
use super::headers;
use super::service::Service;
use super::target::Target;
use actix_web::HttpRequest;
use actix_web::http::{Method, StatusCode};
use reqwest::Response;
use reqwest::header::HeaderMap;
use serde_json::Value;
use std::sync::Arc;
use tokio::time::{Instant, timeout_at};
use web::ProblemCode;

/// The longest answer, in bytes; a page of a hundred events has a tenth of it.
const BYTES: usize = 4 * 1024 * 1024;
/// Headers of a client that are about its own request.
const NOT_ASKED: [&str; 7] =
    ["accept", "accept-encoding", "content-type", "idempotency-key", "if-none-match", "if-modified-since", "range"];

/// The headers with which services are asked for a client.
pub(crate) fn headers_for(request: &HttpRequest) -> HeaderMap {
    let mut headers = headers::of_request(request);
    for name in NOT_ASKED {
        headers.remove(name);
    }
    headers
}

impl Service {
    /// The body of what one of its targets answers to GET; none where it answers 404. A target that gives no answer is
    /// passed over once.
    ///
    /// # Errors
    /// What the client would be told if it had asked.
    pub(crate) async fn fetch(&self, path: &str, headers: &HeaderMap) -> Result<Option<Value>, ProblemCode> {
        let deadline = Instant::now() + self.tuning.deadline;
        let mut tried: Option<Arc<Target>> = None;
        loop {
            let permit = self.pick(tried.as_deref()).map_err(|wait| nobody(&Method::GET, false, wait).code())?;
            let request = self.http.get(format!("{}{path}", permit.address())).headers(headers.clone());
            let failure = match timeout_at(deadline, request.send()).await {
                Ok(Ok(answer)) => {
                    permit.answered();
                    let body = timeout_at(deadline, read(answer)).await;
                    return body.unwrap_or(Err(ProblemCode::Timeout));
                }
                Ok(Err(error)) => Failure::of(error),
                Err(_) => Failure::Late,
            };
            let first = tried.is_none();
            tried = Some(permit.failed(&failure));
            if !first || !failure.may_be_retried() {
                return Err(failure.problem(&Method::GET, true).code());
            }
        }
    }
}

async fn read(mut answer: Response) -> Result<Option<Value>, ProblemCode> {
    let status = StatusCode::from_u16(answer.status().as_u16()).map_err(|_| ProblemCode::BadGateway)?;
    if status == StatusCode::NOT_FOUND {
        return Ok(None);
    }
    if status != StatusCode::OK {
        return Err(ProblemCode::of_status(status));
    }
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(|_| ProblemCode::BadGateway)? {
        body.extend_from_slice(&piece);
        if body.len() > BYTES {
            return Err(ProblemCode::BadGateway);
        }
    }
    serde_json::from_slice(&body).map(Some).map_err(|_| ProblemCode::BadGateway)
}
