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
use futures_util::future::{Fuse, FusedFuture, FutureExt};
use futures_util::{StreamExt, stream};
use reqwest::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use reqwest::{RequestBuilder, Response};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use web::{Edge, Problem};

/// Hands a request on and its answer back.
pub(super) async fn forward(
    request: HttpRequest,
    payload: Payload,
    service: Data<Service>,
    edge: Data<Edge>,
) -> Result<HttpResponse, Problem> {
    let begun = Instant::now();
    let asked = Asked::of(&request)?;
    let body = asked.has_body.then(|| Repeatable::new(payload.into_inner(), asked.announced, edge.body_bytes));
    let (body, mut reading) =
        body.map_or_else(|| (None, Fuse::terminated()), |(body, reading)| (Some(body), reading.fuse()));
    service.budget.earn();
    let mut tried: Option<Arc<Target>> = None;
    let mut sent = false;
    loop {
        let permit = match service.pick(tried.as_deref()) {
            Ok(permit) => permit,
            Err(wait) => return Err(nobody(&asked.method, sent, wait)),
        };
        let request = asked.to(&service.http, permit.address())?;
        let answer = tokio::select! {
            biased;
            answer = ask(request, body.as_ref(), begun, service.tuning.deadline) => answer,
            // Where a chunk is broken, actix-http ends the connection with whatever is said of it right now.
            Some(problem) = &mut reading => return Err(problem),
        };
        let failure = match answer {
            Ok(answer) => {
                permit.answered();
                if !reading.is_terminated() {
                    actix_web::rt::spawn(reading);
                }
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

/// Sends it. The service has `patience` for its answer, from when it has all that there is of the request.
async fn ask(
    mut request: RequestBuilder,
    body: Option<&Repeatable>,
    begun: Instant,
    patience: Duration,
) -> Result<Response, Failure> {
    if let Some(body) = body {
        if let Some(length) = body.length {
            request = request.header(CONTENT_LENGTH, length);
        }
        request = request.body(body.body());
    }
    let late = async {
        match body {
            Some(body) => body.waited(patience).await,
            None => sleep_until(begun + patience).await,
        }
    };
    tokio::select! {
        biased;
        answer = request.send() => answer.map_err(Failure::of),
        () = late => Err(Failure::Late),
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
    Ok(match length(answer.headers()) {
        _ if status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED => response.finish(),
        Some(length) if *method == Method::HEAD => {
            response.no_chunking(length).body(SizedStream::new(length, stream::empty::<Result<Bytes, Broken>>()))
        }
        // Neither length nor bytes: it says that there would be chunks.
        None if *method == Method::HEAD => response.streaming(stream::empty::<Result<Bytes, Broken>>()),
        Some(length) => {
            response.body(SizedStream::new(length, answer.bytes_stream().map(|piece| piece.map_err(Broken))))
        }
        None => response.streaming(answer.bytes_stream().map(|piece| piece.map_err(Broken))),
    })
}

/// Of a body of known length; chunks count for more than a length beside them (RFC 9112, section 6.3).
fn length(headers: &HeaderMap) -> Option<u64> {
    let length = headers.get(CONTENT_LENGTH).filter(|_| !headers.contains_key(TRANSFER_ENCODING))?;
    length.to_str().ok()?.parse().ok()
}

/// An answer whose end did not come: the client's connection is cut, so that it sees that.
#[derive(Debug, thiserror::Error)]
#[error("the answer of a service was cut off")]
struct Broken(#[source] reqwest::Error);
