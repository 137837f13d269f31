//! Events as operators see them: `/api/v1/ops/…`. Rule: for administrators alone; each domain answers for its own
//! tables under its own prefix, here or where it is served; what has no domain in its address asks every domain, puts
//! the answers together, and names who gave none.

mod act;
mod asked;
mod desk;
mod domain;
mod endpoints;
mod filters;
mod merge;
mod merged;
mod modules;
mod one;
mod restored;
mod tree;

pub(crate) use endpoints::ENDPOINTS;

use crate::process::Process;
use actix_web::web::{Data, ServiceConfig, scope};
use desk::Desk;
use std::sync::Arc;
use web::At;

/// Where that domain answers, here or elsewhere.
pub(crate) fn prefix(domain: &str) -> String {
    format!("/api/v1/ops/{domain}")
}

/// The routes of the mounted domains, and those that ask all.
pub(crate) fn routes(config: &mut ServiceConfig, process: &Arc<Process>) {
    config
        .service(At::new("/api/v1/ops/modules").get(modules::modules))
        .service(At::new("/api/v1/ops/events").get(merged::events))
        .service(At::new("/api/v1/ops/events/{id}").get(one::event))
        .service(At::new("/api/v1/ops/dead-letters").get(merged::dead_letters))
        .service(At::new("/api/v1/ops/subscriptions").get(merged::subscriptions))
        .service(At::new("/api/v1/ops/outbox").get(merged::outbox));
    for domain in &process.domains {
        let desk = Data::new(Desk::new(process, domain.name));
        config.service(
            scope(&prefix(domain.name))
                .app_data(desk)
                .service(At::new("/events").get(domain::events))
                .service(At::new("/events/{id}").get(domain::event))
                .service(At::new("/events/{id}/replay").post(act::replay))
                .service(At::new("/dead-letters").get(domain::dead_letters))
                .service(At::new("/dead-letters/{id}/retry").post(act::retry))
                .service(At::new("/dead-letters/{id}/skip").post(act::skip))
                .service(At::new("/subscriptions").get(domain::subscriptions))
                .service(At::new("/outbox").get(domain::outbox))
                .service(At::new("/outbox/restored").post(restored::restored))
                .service(At::new("/outbox/{id}/skip").post(act::give_up))
                .service(At::new("/undecodable").get(domain::undecodable))
                .service(At::new("/audit").get(domain::audit)),
        );
    }
}
