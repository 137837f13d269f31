//! Domains that live elsewhere: their requests are handed on, and a client cannot tell. Rule: what may be asked twice
//! is asked twice at most; whoever does not answer is left alone until a probe says otherwise; nothing of a client's
//! that only we may say is handed on.
//!
//! It stands here and not beside the binary because its routes sit between the layers of [`crate::http`] and its
//! services are part of [`crate::process`]: a seam in between would be a trait with one implementation.

mod admin;
mod asked;
mod body;
mod breaker;
mod budget;
mod client;
mod failure;
mod fetch;
mod forward;
mod headers;
mod probe;
mod service;
mod target;
mod tuning;

pub(crate) use client::{ClientFor, client};
pub(crate) use fetch::headers_for;
pub(crate) use service::{RemoteHealth, Service};
pub use tuning::GatewayTuning;

use crate::config::Places;
use crate::start_error::StartError;
use actix_web::web::{Data, ServiceConfig};
use std::sync::Arc;
use tokio::task::JoinSet;
use web::At;

/// Everything that is served elsewhere, and what is said about all places.
pub(crate) struct Gateway {
    pub(crate) services: Vec<Arc<Service>>,
    listed: Data<admin::Listed>,
    http: reqwest::Client,
}

impl Gateway {
    /// Knows the remote services; asks nobody yet.
    pub(crate) fn new(places: &Places, tuning: &GatewayTuning) -> Result<Self, StartError> {
        let all = || places.remote.iter().flat_map(|(_, targets)| targets);
        let http = client(ClientFor::Requests(tuning), all().any(|target| target.starts_with("https:")))?;
        let services: Vec<_> = places
            .remote
            .iter()
            .map(|(module, targets)| Arc::new(Service::new(module, targets, tuning, http.clone())))
            .collect();
        let listed = Data::new(admin::Listed::new(places, &services));
        Ok(Self { services, listed, http })
    }

    /// Begins to look after the targets; the tasks end with the set.
    pub(crate) fn watch(&self, tasks: &mut JoinSet<()>) {
        for service in &self.services {
            for index in 0..service.targets.len() {
                tasks.spawn(probe::repeat(Arc::clone(service), index, self.http.clone()));
            }
        }
    }

    /// The prefixes of the remote services, and what administrators are told.
    pub(crate) fn routes(&self, config: &mut ServiceConfig) {
        for service in &self.services {
            let operators = crate::ops::prefix(service.name);
            for prefix in service.prefixes.iter().copied().chain([operators.as_str()]) {
                let service = Data::from(Arc::clone(service));
                web::register_below(config, prefix, service, forward::forward);
            }
        }
        config.app_data(Data::clone(&self.listed));
        web::register(config, table());
    }
}

/// What is said about all places.
pub(crate) fn table() -> Vec<At> {
    vec![
        At::new("/api/v1/gateway/services").get(admin::services, admin::services_operation()),
        At::new("/api/v1/gateway/routes").get(admin::routes, admin::routes_operation()),
    ]
}
