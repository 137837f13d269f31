//! What administrators see of the arrangement: who serves what, and how it is. Rule: told from what this process
//! knows; nobody is asked for it.

use super::service::Service;
use crate::config::Places;
use crate::module::Module;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;
use web::openapi::Operation;
use web::{Admin, NoParams, Params, Problem};

/// Everything there is to list.
pub(crate) struct Listed(Vec<Entry>);

struct Entry {
    name: &'static str,
    prefixes: &'static [&'static str],
    place: Place,
    service: Option<Arc<Service>>,
}

/// Where a domain is served.
#[derive(Clone, Copy, Serialize, JsonSchema)]
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

/// Everything there is; it fits on one page.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "{T}List")]
struct All<T> {
    items: Vec<T>,
    /// Always null.
    next_cursor: Option<String>,
}

/// A domain, and who serves it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Service")]
struct ServiceView<'a> {
    name: &'a str,
    place: Place,
    /// The processes that requests are handed on to.
    targets: Vec<TargetView<'a>>,
}

/// A process that serves a domain.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Target")]
struct TargetView<'a> {
    url: &'a str,
    /// Whether it answered when it was last looked at.
    reachable: bool,
    /// `closed` while requests go to it, `open` while it is left alone, `half_open` while one request tries it.
    #[schemars(extend("enum" = ["closed", "open", "half_open"]))]
    breaker: &'static str,
}

/// Addresses that belong to a domain.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ServiceRoute")]
struct RouteView<'a> {
    prefix: &'a str,
    service: &'a str,
    place: Place,
}

/// For the document.
pub(super) fn services_operation() -> Operation {
    let example = || {
        let target = json!({ "url": "http://127.0.0.1:8002", "reachable": true, "breaker": "closed" });
        json!({ "items": [{ "name": "task", "place": "remote", "targets": [target] }], "next_cursor": null })
    };
    Operation::new("listServices", "Which domains are served where")
        .tag("operations")
        .admin()
        .ok::<All<ServiceView<'_>>>(example)
}

/// For the document.
pub(super) fn routes_operation() -> Operation {
    let example = || json!({ "items": [{ "prefix": "/api/v1/tasks", "service": "task", "place": "mounted" }], "next_cursor": null });
    Operation::new("listServiceRoutes", "Which addresses lead to which domain")
        .tag("operations")
        .admin()
        .ok::<All<RouteView<'_>>>(example)
}

pub(super) async fn services(listed: Data<Listed>, _: Admin, _: Params<NoParams>) -> Result<HttpResponse, Problem> {
    let items = listed.0.iter();
    answer(items.map(|entry| ServiceView { name: entry.name, place: entry.place, targets: entry.targets() }).collect())
}

pub(super) async fn routes(listed: Data<Listed>, _: Admin, _: Params<NoParams>) -> Result<HttpResponse, Problem> {
    let of = |entry: &Entry| {
        let (service, place) = (entry.name, entry.place);
        entry.prefixes.iter().map(move |prefix| RouteView { prefix, service, place })
    };
    answer(listed.0.iter().flat_map(of).collect())
}

fn answer<T: Serialize>(items: Vec<T>) -> Result<HttpResponse, Problem> {
    web::json(StatusCode::OK, &All { items, next_cursor: None })
}

impl Entry {
    fn targets(&self) -> Vec<TargetView<'_>> {
        let targets = self.service.iter().flat_map(|service| &service.targets);
        targets
            .map(|target| TargetView {
                url: &target.address,
                reachable: target.is_reachable(),
                breaker: target.breaker(),
            })
            .collect()
    }
}
