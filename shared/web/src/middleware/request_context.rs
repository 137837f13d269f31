//! The identity of a request. Rule: every answer and every log line of a request carries its id; a client may bring
//! one, if it is fit to stand in a log.

use super::body_deadline::hold_unread;
use super::outcome::{Outcome, edit};
use crate::edge::Edge;
use actix_web::HttpMessage;
use actix_web::body::MessageBody;
use actix_web::dev::ServiceRequest;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use std::time::Instant;
use tracing::Instrument;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// What identifies a request; in its extensions.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// The client's, or a UUIDv7.
    pub request_id: String,
    /// W3C trace context: the client's trace with a span of ours, or a new trace.
    pub traceparent: String,
    /// When it came in.
    pub started: Instant,
}

/// Gives every request its [`RequestContext`], answers with it and writes the access log.
///
/// # Errors
/// Those of the layers further in.
pub async fn request_context(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Outcome {
    let context = RequestContext {
        request_id: accepted_id(request.headers()).unwrap_or_else(|| new_id(&request)),
        traceparent: traceparent(request.headers()),
        started: Instant::now(),
    };
    request.extensions_mut().insert(context.clone());
    let (method, path) = (request.method().clone(), request.path().to_owned());
    let span = tracing::info_span!("request", request_id = %context.request_id);
    let outcome = next.call(request).instrument(span.clone()).await;
    edit(outcome, |mut response| {
        let milliseconds = context.started.elapsed().as_secs_f64() * 1000.0;
        let status = response.status().as_u16();
        span.in_scope(|| tracing::info!(%method, path, status, duration_ms = milliseconds, "answered"));
        let timing = format!("app;dur={milliseconds:.2}");
        for (name, value) in
            [(REQUEST_ID, &context.request_id), (TRACEPARENT, &context.traceparent), (SERVER_TIMING, &timing)]
        {
            if let Ok(value) = HeaderValue::from_str(value) {
                response.headers_mut().insert(name, value);
            }
        }
        hold_unread(response)
    })
}

fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name);
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

fn accepted_id(headers: &HeaderMap) -> Option<String> {
    let id = only(headers, &REQUEST_ID)?;
    let fit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    ((1..=128).contains(&id.len()) && id.bytes().all(fit)).then(|| id.to_owned())
}

fn new_id(request: &ServiceRequest) -> String {
    match request.app_data::<Data<Edge>>() {
        Some(edge) => edge.ids.next().to_string(),
        None => Edge::default().ids.next().to_string(),
    }
}

/// Goes on with the client's trace, or begins one.
fn traceparent(headers: &HeaderMap) -> String {
    let (trace, flags) =
        only(headers, &TRACEPARENT).and_then(accepted_trace).unwrap_or_else(|| (random::<16>(), "01".to_owned()));
    format!("00-{trace}-{}-{flags}", random::<8>())
}

/// Trace id and flags of a well-formed header of version 00 (W3C Trace Context, section 3.2).
fn accepted_trace(text: &str) -> Option<(String, String)> {
    let mut parts = text.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hexadecimal = |text: &str, length| {
        text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
    };
    let something = |text: &str| text.bytes().any(|byte| byte != b'0');
    let well_formed = version == "00"
        && parts.next().is_none()
        && hexadecimal(trace, 32)
        && something(trace)
        && hexadecimal(span, 16)
        && something(span)
        && hexadecimal(flags, 2);
    well_formed.then(|| (trace.to_owned(), flags.to_owned()))
}

fn random<const N: usize>() -> String {
    let mut bytes = [0; N];
    // Without randomness all ids would be the same one; that is worse for tracing than for anything else.
    if aws_lc_rs::rand::fill(&mut bytes).is_err() {
        bytes = [1; N];
    }
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}
