//! How the process is, for load balancers, orchestrators and people. Rule: 503 for unhealthy alone; these answers
//! keep their shape whatever their status, and only `verbose` says why.

use super::final_status::FinalStatus;
use crate::process::{Process, Status};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use chrono::{DateTime, SecondsFormat, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use web::openapi::{Operation, Reply};
use web::{NoParams, Params, Problem, ProblemCode};

/// `?verbose=true` adds the checks.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Verbosity {
    /// Whether the checks are told.
    #[serde(default)]
    verbose: bool,
}

macro_rules! shapes {
    ($($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $field:ident: $kind:ty,)+ })+) => {$(
        #[derive(Serialize, JsonSchema)]
        $(#[$doc])*
        struct $name { $($(#[$of])* $field: $kind,)+ }
    )+};
}

shapes! {
    /// That the process answers.
    Live { status: Healthy, timestamp: DateTime<Utc>, }

    /// Whether requests may be sent to the process.
    Ready {
        #[schemars(extend("enum" = ["ready", "not_ready"]))]
        status: String,
        /// What stands in the way.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        timestamp: DateTime<Utc>,
    }

    /// How the process and its domains are.
    Health {
        status: Status,
        services: BTreeMap<String, Status>,
        /// Why, by domain, and for the bus and the keys; where it was asked for.
        #[serde(skip_serializing_if = "Option::is_none")]
        checks: Option<Map<String, Value>>,
        timestamp: DateTime<Utc>,
    }

    /// How a domain is.
    DomainHealth {
        status: Status,
        service: String,
        /// Why; where it was asked for, and null where the domain gave no answer.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<Value>")]
        checks: Option<Value>,
        timestamp: DateTime<Utc>,
    }
}

/// Nothing else is said by who lives.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
#[expect(dead_code, reason = "says what an answer looks like")]
enum Healthy {
    Healthy,
}

const TIMESTAMP: &str = "2026-01-01T00:00:00.000310Z";

fn described<T: JsonSchema>(id: &'static str, summary: &'static str, example: web::openapi::Example) -> Operation {
    let is = |status, description| Reply::new(status, description).json::<T>(example);
    Operation::new(id, summary).unlimited().at_hand().reply(is(200, "It is well, or well enough."))
}

pub(super) fn operation() -> Operation {
    let example = || json!({ "status": "healthy", "services": { "task": "healthy" }, "timestamp": TIMESTAMP });
    described::<Health>("getHealth", "How each domain is", example)
        .query::<Verbosity>()
        .reply(Reply::new(503, "A domain of this process cannot write.").json::<Health>(example))
}

pub(super) fn live_operation() -> Operation {
    described::<Live>(
        "getLiveness",
        "Whether the process lives",
        || json!({ "status": "healthy", "timestamp": TIMESTAMP }),
    )
}

pub(super) fn ready_operation() -> Operation {
    described::<Ready>(
        "getReadiness",
        "Whether requests may be sent to the process",
        || json!({ "status": "ready", "timestamp": TIMESTAMP }),
    )
    .reply(
        Reply::new(503, "They may not.")
            .json::<Ready>(|| json!({ "status": "not_ready", "reason": "stopping", "timestamp": TIMESTAMP })),
    )
}

pub(super) fn service_operation(domains: &[&str]) -> Operation {
    let example = || json!({ "status": "healthy", "service": "task", "timestamp": TIMESTAMP });
    described::<DomainHealth>("getDomainHealth", "How one domain is", example)
        .segment_of("service", domains)
        .query::<Verbosity>()
        .reply(Reply::new(503, "It cannot write, or cannot be reached.").json::<DomainHealth>(example))
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
