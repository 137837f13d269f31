//! A request to a remote domain, and its answer. Rule: the answer is the service's own, but for what belongs to the
//! connection; ours is said only where there is none.

use super::asked::Asked;
use super::body::Repeatable;
use super::failure::{Failure, nobody};
use super::headers;
use super::service::Service;
use super::target::Target;
use actix_web::body::SizedStream;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::{StreamExt, stream};
use reqwest::Response;
use reqwest::header::CONTENT_LENGTH;
use std::sync::Arc;
use tokio::time::{Instant, timeout_at};
use web::{Edge, Problem};

/// Hands a request on and its answer back.
pub(super) async fn forward(
    request: HttpRequest,
    payload: Payload,
    service: Data<Service>,
    edge: Data<Edge>,
) -> Result<HttpResponse, Problem> {
    let deadline = Instant::now() + service.tuning.deadline;
    let asked = Asked::of(&request)?;
    let body = asked.has_body.then(|| Repeatable::new(payload.into_inner(), asked.announced, edge.body_bytes));
    service.budget.earn();
    let mut tried: Option<Arc<Target>> = None;
    let mut sent = false;
    loop {
        let permit = match service.pick(tried.as_deref()) {
            Ok(permit) => permit,
            Err(wait) => return Err(nobody(&asked.method, sent, wait)),
        };
        let failure = match ask(&service, permit.address(), &asked, body.as_ref(), deadline).await {
            Ok(answer) => {
                permit.answered();
                return relay(&asked.method, answer);
            }
            Err(failure) => failure,
        };
        if let Some(problem) = body.as_ref().and_then(Repeatable::fault_of_the_client) {
            return Err(problem);
        }
        sent |= failure.was_sent();
        let first = tried.is_none();
        tried = Some(permit.failed(&failure));
        if !(first && asked.may_be_repeated && failure.may_be_retried() && service.budget.spend()) {
            return Err(failure.problem(&asked.method, sent));
        }
    }
}

async fn ask(
    service: &Service,
    address: &str,
    asked: &Asked,
    body: Option<&Repeatable>,
    deadline: Instant,
) -> Result<Response, Failure> {
    let mut request = asked.to(&service.http, address);
    if let Some(body) = body {
        if let Some(length) = body.length {
            request = request.header(CONTENT_LENGTH, length);
        }
        request = request.body(body.body());
    }
    match timeout_at(deadline, request.send()).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(Failure::of(error)),
        Err(_) => Err(Failure::Late),
    }
}

fn relay(method: &Method, answer: Response) -> Result<HttpResponse, Problem> {
    let status = StatusCode::from_u16(answer.status().as_u16()).ok().filter(|status| !status.is_informational());
    // Among the informational ones is the 101 that nobody asked for.
    let status = status.ok_or_else(|| Failure::Unusable(None).problem(method, true))?;
    let mut response = HttpResponse::build(status);
    for (name, value) in headers::of_answer(answer.headers()) {
        let name = HeaderName::from_bytes(name.as_str().as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
            response.append_header((name, value));
        }
    }
    // The rest of the request is still on its way and will not be read.
    if status == StatusCode::PAYLOAD_TOO_LARGE || status == StatusCode::REQUEST_TIMEOUT {
        response.force_close();
    }
    let length = answer.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    Ok(match length {
        _ if status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED => response.finish(),
        Some(length) if *method == Method::HEAD => {
            response.no_chunking(length).body(SizedStream::new(length, stream::empty::<Result<Bytes, Broken>>()))
        }
        None if *method == Method::HEAD => response.finish(),
        Some(length) => {
            response.body(SizedStream::new(length, answer.bytes_stream().map(|piece| piece.map_err(Broken))))
        }
        None => response.streaming(answer.bytes_stream().map(|piece| piece.map_err(Broken))),
    })
}

/// An answer whose end did not come: the client's connection is cut, so that it sees that.
#[derive(Debug, thiserror::Error)]
#[error("the answer of a service was cut off")]
struct Broken(#[source] reqwest::Error);
