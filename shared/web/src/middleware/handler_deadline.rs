//! The longest that a request may be under way. Rule: longer than everything that a handler waits for by itself, so that
//! it ends only what nobody thought of; a body that is being sent is not cut off.

use super::outcome::Outcome;
use crate::edge::{Edge, HANDLER_DEADLINE};
use crate::problem::{Problem, ProblemCode};
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;
use tokio::time::timeout;

/// Answers 503 where no layer further in answers in time.
///
/// # Errors
/// Those of the layers further in; 503, which says of a write that its outcome is unknown.
pub async fn handler_deadline(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Outcome {
    let limit = request.app_data::<Data<Edge>>().map_or(HANDLER_DEADLINE, |edge| edge.handler_deadline);
    let reads = request.method().is_safe();
    match timeout(limit, next.call(request)).await {
        Ok(outcome) => outcome.map(ServiceResponse::map_into_boxed_body),
        Err(late) => {
            let code = if reads { ProblemCode::Unavailable } else { ProblemCode::OutcomeUnknown };
            Err(Problem::new(code).caused_by(&late).into())
        }
    }
}
