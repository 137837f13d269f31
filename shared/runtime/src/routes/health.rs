//! How the process is, for load balancers, orchestrators and people. Rule: 503 for unhealthy alone; these answers
//! keep their shape whatever their status, and only `verbose` says why.

use super::final_status::FinalStatus;
use crate::process::{Process, Status};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use web::{NoParams, Params, Problem, ProblemCode};

/// `?verbose=true` adds the checks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Verbosity {
    #[serde(default)]
    verbose: bool,
}

pub(super) async fn live(process: Data<Process>, _: Params<NoParams>) -> HttpResponse {
    answer(StatusCode::OK, [("status", json!("healthy"))], process.now())
}

pub(super) async fn ready(process: Data<Process>, _: Params<NoParams>) -> HttpResponse {
    match process.not_ready() {
        None => answer(StatusCode::OK, [("status", json!("ready"))], process.now()),
        Some(reason) => answer(
            StatusCode::SERVICE_UNAVAILABLE,
            [("status", json!("not_ready")), ("reason", json!(reason))],
            process.now(),
        ),
    }
}

pub(super) async fn health(process: Data<Process>, Params(asked): Params<Verbosity>) -> HttpResponse {
    let health = process.health().await;
    let mut members = vec![("status", json!(health.status)), ("services", Value::Object(health.services))];
    if asked.verbose {
        members.push(("checks", Value::Object(health.checks)));
    }
    answer(code(health.status), members, process.now())
}

pub(super) async fn service(
    process: Data<Process>,
    name: Path<String>,
    Params(asked): Params<Verbosity>,
) -> Result<HttpResponse, Problem> {
    let health = process.health_of(&name).await.ok_or_else(|| Problem::new(ProblemCode::NotFound))?;
    let mut members = vec![("status", json!(health.status)), ("service", json!(health.name))];
    if asked.verbose {
        members.push(("checks", health.checks));
    }
    Ok(answer(code(health.status), members, process.now()))
}

const fn code(status: Status) -> StatusCode {
    match status {
        Status::Healthy | Status::Degraded => StatusCode::OK,
        Status::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn answer(
    code: StatusCode,
    members: impl IntoIterator<Item = (&'static str, Value)>,
    now: DateTime<Utc>,
) -> HttpResponse {
    let timestamp = json!(now.to_rfc3339_opts(SecondsFormat::Micros, true));
    let body: Map<String, Value> =
        members.into_iter().chain([("timestamp", timestamp)]).map(|(name, value)| (name.to_owned(), value)).collect();
    let mut response = HttpResponse::Ok().json(body);
    response.extensions_mut().insert(FinalStatus(code));
    response
}
