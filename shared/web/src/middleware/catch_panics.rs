//! A bug in a handler is an answer and not a lost connection. Rule: the client learns nothing but the request id.

use super::outcome::Outcome;
use crate::problem::{Problem, ProblemCode};
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use futures_util::FutureExt;
use std::any::Any;
use std::panic::AssertUnwindSafe;

/// Answers 500 where a layer further in panics.
///
/// # Errors
/// Those of the layers further in; 500 `internal` for a panic.
pub async fn catch_panics(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Outcome {
    // Nothing of the request is used again after a panic, so it cannot be seen half changed.
    match AssertUnwindSafe(next.call(request)).catch_unwind().await {
        Ok(outcome) => outcome.map(ServiceResponse::map_into_boxed_body),
        Err(panic) => Err(Problem::new(ProblemCode::Internal).caused_by(&Panicked(text(panic.as_ref()))).into()),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("panicked: {0}")]
struct Panicked(String);

fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}
