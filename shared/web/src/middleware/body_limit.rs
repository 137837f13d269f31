//! A body that is said to be too large is refused before it comes. Rule: whoever asks, whatever for, and wherever it would
//! have been served; so neither a token nor an address is looked at, and a gateway says the same as a process by itself.

use super::outcome::Outcome;
use crate::body::too_large;
use crate::edge::{BODY_BYTES, Edge};
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::middleware::Next;
use actix_web::web::Data;

/// Refuses a request that announces more than the limit; one that announces nothing is counted by whoever reads it.
///
/// # Errors
/// Those of the layers further in; 413 `payload_too_large`.
pub async fn body_limit(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Outcome {
    let limit = request.app_data::<Data<Edge>>().map_or(BODY_BYTES, |edge| edge.body_bytes);
    if announced(&request).is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit).into());
    }
    next.call(request).await.map(ServiceResponse::map_into_boxed_body)
}

fn announced(request: &ServiceRequest) -> Option<u64> {
    request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}
