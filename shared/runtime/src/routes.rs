//! The routes of the process itself.

mod absent;
mod docs;
mod final_status;
mod health;
mod openapi;
mod otherwise;
mod root;

pub(crate) use absent::absent;
pub(crate) use docs::Pages;
pub(crate) use final_status::final_status;
pub(crate) use otherwise::otherwise;

use crate::metrics;
use actix_web::web::ServiceConfig;
use web::At;

pub(crate) fn routes(config: &mut ServiceConfig) {
    web::register(config, table(&[]));
}

/// `domains` are those that the document names.
pub(crate) fn table(domains: &[&str]) -> Vec<At> {
    vec![
        At::new("/").get(root::root, root::operation()),
        At::new("/openapi.json").get(openapi::openapi, openapi::operation()),
        At::new("/docs").get(docs::index, docs::index_operation()),
        At::new("/docs/errors").get(docs::errors_page, docs::errors_operation()),
        At::new("/docs/{file}").get(docs::file, docs::file_operation()),
        At::new("/health").get(health::health, health::operation()),
        At::new("/health/live").get(health::live, health::live_operation()),
        At::new("/health/ready").get(health::ready, health::ready_operation()),
        At::new("/health/{service}").get(health::service, health::service_operation(domains)),
        At::new("/metrics").get(metrics::for_admins, metrics::operation()),
    ]
}
