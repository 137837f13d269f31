//! What a scraper reads: `/metrics`, in Prometheus' text format. Rule: labels come from short lists that the code knows:
//! routes as they are registered, never paths; domains, methods and statuses.

mod listener;
mod now;
mod requests;

pub(crate) use listener::MetricsListener;
pub(crate) use requests::{Requests, count};

use crate::process::Process;
use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Data;
use prometheus::{Encoder, Error, TEXT_FORMAT, TextEncoder};
use web::openapi::{Operation, Reply};
use web::{Admin, NoParams, Params, Problem, ProblemCode};

/// Everything that is measured, as it is now.
///
/// # Errors
/// Two metrics of one name, which is a fault of this module.
async fn text(process: &Process, requests: &Requests) -> Result<Vec<u8>, Error> {
    let mut text = Vec::new();
    let encoder = TextEncoder::new();
    encoder.encode(&requests.gather(), &mut text)?;
    encoder.encode(&now::gather(process).await?, &mut text)?;
    Ok(text)
}

/// For the document.
pub(crate) fn operation() -> Operation {
    let example = || serde_json::json!("# TYPE cleave_http_requests_total counter\n");
    Operation::new("getMetrics", "What is measured, for Prometheus")
        .admin()
        .unlimited()
        .reply(Reply::new(200, "Prometheus text format.").text(TEXT_FORMAT, example))
}

/// For administrators: how much is asked of whom is nobody else's business.
pub(crate) async fn for_admins(
    process: Data<Process>,
    requests: Data<Requests>,
    _: Admin,
    _: Params<NoParams>,
) -> Result<HttpResponse, Problem> {
    answer(&process, &requests).await
}

async fn answer(process: &Process, requests: &Requests) -> Result<HttpResponse, Problem> {
    match text(process, requests).await {
        Ok(text) => Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, TEXT_FORMAT)).body(text)),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            Err(Problem::new(ProblemCode::Internal))
        }
    }
}
