//! The routes of the process itself.

mod absent;
mod docs;
mod final_status;
mod health;
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
    config
        .service(At::new("/").get(root::root))
        .service(At::new("/docs").get(docs::routes_page))
        .service(At::new("/docs/errors").get(docs::errors_page))
        .service(At::new("/health").get(health::health))
        .service(At::new("/health/live").get(health::live))
        .service(At::new("/health/ready").get(health::ready))
        .service(At::new("/health/{service}").get(health::service))
        .service(At::new("/metrics").get(metrics::for_admins));
}
