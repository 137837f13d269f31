//! Every refusal leaves as a problem document. Rule: also those of actix-web itself and of any layer further in; each
//! says where it happened and under which request id, and the log has the cause once.

use super::outcome::{Outcome, edit};
use super::request_context::RequestContext;
use crate::problem::{PROBLEM_JSON, Problem, ProblemCode};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::ServiceRequest;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpResponse, ResponseError};

/// Turns what is not a problem document into one, and completes those that are.
///
/// # Errors
/// Those of the layers further in, as problem documents.
pub async fn problems(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Outcome {
    let instance = request.path().to_owned();
    let request_id = request.extensions().get::<RequestContext>().map(|context| context.request_id.clone());
    edit(next.call(request).await, |response| {
        let status = response.status();
        if !status.is_client_error() && !status.is_server_error() {
            return response;
        }
        let known = response.extensions().get::<Problem>().cloned();
        if known.is_none() && is_problem(&response) {
            return response;
        }
        let problem = known.unwrap_or_else(|| Problem::new(ProblemCode::of_status(status)));
        let problem = problem.at(&instance, request_id.as_deref());
        log(&problem, &instance);
        render(response, &problem)
    })
}

/// A document that another service has written is passed on as it is.
fn is_problem(response: &HttpResponse) -> bool {
    response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(PROBLEM_JSON.as_bytes()))
}

fn log(problem: &Problem, path: &str) {
    let code = problem.code().as_str();
    let cause = problem.cause().unwrap_or_default();
    match problem.code() {
        ProblemCode::Internal => tracing::error!(code, cause, path, "a request failed"),
        _ if problem.code().status().is_server_error() => tracing::warn!(code, cause, path, "a request was not served"),
        _ => {}
    }
}

/// The body is the document; the headers that are there already stay.
fn render(response: HttpResponse, problem: &Problem) -> HttpResponse {
    let document = problem.error_response();
    let (mut response, _) = response.into_parts();
    for (name, value) in document.headers() {
        if !response.headers().contains_key(name) {
            response.headers_mut().insert(name.clone(), value.clone());
        }
    }
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    // The status of the answer and the one in the document are never two.
    *response.status_mut() = document.status();
    response.set_body(BoxBody::new(document.into_body()))
}
