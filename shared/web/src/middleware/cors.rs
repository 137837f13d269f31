//! What scripts of other origins may do. Rule: an origin that is not named gets the answer that it would get without this
//! layer, in which a browser finds no permission; credentials are never allowed, because there are no cookies.

use super::outcome::{Outcome, edit};
use crate::edge::Edge;
use actix_web::HttpResponse;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderValue, ORIGIN, VARY,
};
use actix_web::middleware::Next;
use actix_web::web::Data;

/// What of an answer a script may read besides its body.
const EXPOSED: &str = "ETag, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id, Idempotency-Replayed";
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";
const HEADERS: &str = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, Traceparent, \
    X-Request-Id";
/// How long a browser may remember the answer to its question, in seconds.
const REMEMBERED: &str = "600";

/// Tells a browser that the script of a named origin may read the answer, whatever the answer is.
///
/// # Errors
/// Those of the layers further in.
pub async fn cors(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Outcome {
    let origin = named_origin(&request);
    edit(next.call(request).await, |mut response| {
        if let Some(origin) = origin {
            let headers = response.headers_mut();
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        }
        response
    })
}

/// Answers the question whether a request may be sent at all, which comes without a token; further in than the limit.
///
/// # Errors
/// Those of the layers further in.
pub async fn preflight(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Outcome {
    let asks = request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if !asks || named_origin(&request).is_none() {
        return next.call(request).await.map(ServiceResponse::map_into_boxed_body);
    }
    let answer = HttpResponse::NoContent()
        .insert_header((ACCESS_CONTROL_ALLOW_METHODS, METHODS))
        .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, HEADERS))
        .insert_header((ACCESS_CONTROL_MAX_AGE, REMEMBERED))
        .insert_header((VARY, "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"))
        .finish();
    Ok(request.into_response(answer).map_into_boxed_body())
}

fn named_origin(request: &ServiceRequest) -> Option<HeaderValue> {
    let origins = &request.app_data::<Data<Edge>>()?.cors_origins;
    let mut sent = request.headers().get_all(ORIGIN);
    let origin = sent.next().filter(|origin| origins.names(origin.as_bytes()))?;
    sent.next().is_none().then(|| origin.clone())
}
