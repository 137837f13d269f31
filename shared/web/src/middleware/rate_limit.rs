//! The limit of requests for each network. Rule: counted before anything is looked up; whoever looks after the process
//! (health, metrics, the other processes of the installation) is never refused.

use super::outcome::{Outcome, edit};
use crate::client_address::client_address;
use crate::edge::Edge;
use crate::limit::Network;
use actix_web::body::MessageBody;
use actix_web::dev::ServiceRequest;
use actix_web::middleware::Next;
use actix_web::web::Data;

/// Refuses whoever asks too often, and tells everybody else what is left.
///
/// # Errors
/// Those of the layers further in; 429 `rate_limited`.
pub async fn rate_limit(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Outcome {
    let limiter = request.app_data::<Data<Edge>>().and_then(|edge| edge.rate_limit.clone());
    let Some(limiter) = limiter.filter(|_| is_counted(request.path())) else {
        return next.call(request).await.map(|response| response.map_into_boxed_body());
    };
    let standing = limiter.take(Network::of(client_address(request.request())));
    if !standing.is_allowed() {
        return Err(standing.problem().into());
    }
    edit(next.call(request).await, |mut response| {
        standing.tell(response.headers_mut());
        response
    })
}

fn is_counted(path: &str) -> bool {
    !(path == "/health" || path.starts_with("/health/") || path == "/metrics" || path.starts_with("/internal/"))
}
