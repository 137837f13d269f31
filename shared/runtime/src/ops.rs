//! Events as operators see them: `/api/v1/ops/…`. Rule: for administrators alone; each domain answers for its own
//! tables under its own prefix, here or where it is served; what has no domain in its address asks every domain, puts
//! the answers together, and names who gave none.

mod act;
mod asked;
mod desk;
mod domain;
mod filters;
mod merge;
mod merged;
mod modules;
mod one;
mod restored;
mod shapes;
mod tree;

use crate::process::Process;
use actix_web::web::{Data, ServiceConfig};
use desk::Desk;
use std::sync::Arc;
use web::At;
use web::openapi::Operation;

/// Where that domain answers, here or elsewhere.
pub(crate) fn prefix(domain: &str) -> String {
    format!("/api/v1/ops/{domain}")
}

/// The routes of the mounted domains, and those that ask all.
pub(crate) fn routes(config: &mut ServiceConfig, process: &Arc<Process>) {
    web::register(config, table());
    for domain in &process.domains {
        let desk = Data::new(Desk::new(process, domain.name));
        let table = of_domain(&prefix(domain.name), &[]);
        web::register(config, table.into_iter().map(|at| at.with(Data::clone(&desk))).collect());
    }
}

/// Those that ask all.
pub(crate) fn table() -> Vec<At> {
    vec![
        At::new("/api/v1/ops/modules").get(modules::modules, modules::operation()),
        At::new("/api/v1/ops/events").get(merged::events, merged::events_operation()),
        At::new("/api/v1/ops/events/{id}").get(one::event, one::operation()),
        At::new("/api/v1/ops/dead-letters").get(merged::dead_letters, merged::dead_letters_operation()),
        At::new("/api/v1/ops/subscriptions").get(merged::subscriptions, merged::subscriptions_operation()),
        At::new("/api/v1/ops/outbox").get(merged::outbox, merged::outbox_operation()),
    ]
}

/// Those of one domain, which answer below `prefix`; `domains` are those that the document names.
pub(crate) fn of_domain(prefix: &str, domains: &[&str]) -> Vec<At> {
    let at = |path: &str| At::new(&format!("{prefix}{path}"));
    let of = |operation: Operation| operation.tag("operations").admin().segment_of("domain", domains).forwarded();
    vec![
        at("/events").get(domain::events, of(domain::events_operation())),
        at("/events/{id}").get(domain::event, of(domain::event_operation())),
        at("/events/{id}/replay").post(act::replay, of(act::replay_operation())),
        at("/dead-letters").get(domain::dead_letters, of(domain::dead_letters_operation())),
        at("/dead-letters/{id}/retry").post(act::retry, of(act::retry_operation())),
        at("/dead-letters/{id}/skip").post(act::skip, of(act::skip_operation())),
        at("/subscriptions").get(domain::subscriptions, of(domain::subscriptions_operation())),
        at("/outbox").get(domain::outbox, of(domain::outbox_operation())),
        at("/outbox/restored").post(restored::restored, of(restored::operation())),
        at("/outbox/{id}/skip").post(act::give_up, of(act::give_up_operation())),
        at("/undecodable").get(domain::undecodable, of(domain::undecodable_operation())),
        at("/audit").get(domain::audit, of(domain::audit_operation())),
    ]
}
