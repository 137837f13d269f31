//! Headers that tell browsers to expect nothing. Rule: on every answer, errors too; what a handler set stays.

use super::outcome::{Outcome, edit};
use crate::edge::Edge;
use actix_web::body::MessageBody;
use actix_web::dev::ServiceRequest;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use actix_web::middleware::Next;
use actix_web::web::Data;

const ALWAYS: [(HeaderName, &str); 6] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (CACHE_CONTROL, "no-store"),
    (VARY, "Origin"),
];
const OVER_TLS: (HeaderName, &str) = (STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains");

/// Sets the headers.
///
/// # Errors
/// Those of the layers further in.
pub async fn security_headers(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Outcome {
    let tls = request.app_data::<Data<Edge>>().is_some_and(|edge| edge.tls || came_over_tls(edge, &request));
    edit(next.call(request).await, |mut response| {
        for (name, value) in ALWAYS.into_iter().chain(tls.then_some(OVER_TLS)) {
            if !response.headers().contains_key(&name) {
                response.headers_mut().insert(name, HeaderValue::from_static(value));
            }
        }
        response
    })
}

/// A proxy of ours may have ended the TLS before us.
fn came_over_tls(edge: &Edge, request: &ServiceRequest) -> bool {
    let believed = request.peer_addr().is_some_and(|peer| edge.trusted_proxies.contains(peer.ip()));
    believed && request.headers().get("x-forwarded-proto").is_some_and(|scheme| scheme == "https")
}
