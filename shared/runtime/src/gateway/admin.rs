//! What administrators see of the arrangement: who serves what, and how it is. Rule: told from what this process
//! knows; nobody is asked for it.

use super::service::Service;
use crate::config::Places;
use crate::module::Module;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;
use web::{Admin, NoParams, Params, Problem};

/// Everything there is to list.
pub(crate) struct Listed(Vec<Entry>);

struct Entry {
    name: &'static str,
    prefixes: &'static [&'static str],
    place: Place,
    service: Option<Arc<Service>>,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Place {
    Mounted,
    Remote,
    Absent,
}

impl Listed {
    pub(super) fn new(places: &Places, services: &[Arc<Service>]) -> Self {
        let entry =
            |module: &Module, place, service| Entry { name: module.name(), prefixes: module.prefixes, place, service };
        let mounted = places.mounted.iter().map(|module| entry(module, Place::Mounted, None));
        let remote = places.remote.iter().zip(services);
        let remote = remote.map(|((module, _), service)| entry(module, Place::Remote, Some(Arc::clone(service))));
        let absent = places.absent.iter().map(|module| entry(module, Place::Absent, None));
        Self(mounted.chain(remote).chain(absent).collect())
    }
}

pub(super) async fn services(listed: Data<Listed>, _: Admin, _: Params<NoParams>) -> Result<HttpResponse, Problem> {
    let items =
        listed.0.iter().map(|entry| json!({ "name": entry.name, "place": entry.place, "targets": entry.targets() }));
    answer(items.collect())
}

pub(super) async fn routes(listed: Data<Listed>, _: Admin, _: Params<NoParams>) -> Result<HttpResponse, Problem> {
    let of = |entry: &Entry| {
        let (name, place) = (entry.name, entry.place);
        entry.prefixes.iter().map(move |prefix| json!({ "prefix": prefix, "service": name, "place": place }))
    };
    answer(listed.0.iter().flat_map(of).collect())
}

fn answer(items: Vec<Value>) -> Result<HttpResponse, Problem> {
    web::json(StatusCode::OK, &json!({ "items": items, "next_cursor": null }))
}

impl Entry {
    fn targets(&self) -> Vec<Value> {
        let targets = self.service.iter().flat_map(|service| &service.targets);
        targets
            .map(|target| {
                json!({ "url": target.address, "reachable": target.is_reachable(), "breaker": target.breaker() })
            })
            .collect()
    }
}
