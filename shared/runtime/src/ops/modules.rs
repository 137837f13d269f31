//! The domains of the system. Rule: told from what health says, of mounted domains and of others alike.

use super::shapes::{self, Modules};
use crate::process::Process;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use contracts::topology::{self, StreamName};
use serde_json::{Value, json};
use web::openapi::Operation;
use web::{Admin, NoParams, Params, Problem};

pub(super) fn operation() -> Operation {
    Operation::new("listModules", "The domains: where they are served, what they publish and hear, how they are")
        .tag("operations")
        .admin()
        .ok::<Modules>(|| {
            shapes::page(
                json!([shapes::module()]),
                json!({ "unanswered": [{ "domain": "task", "code": "unavailable" }] }),
            )
        })
}

pub(super) async fn modules(process: Data<Process>, _: Admin, _: Params<NoParams>) -> Result<HttpResponse, Problem> {
    let health = process.health().await;
    let mounted = process.domains.iter().map(|domain| (domain.name, "mounted", Some(domain.messaging.listens_to())));
    let remote = process.remote.iter().map(|service| (service.name, "remote", None));
    let module = |(name, place, listens_to): (&str, &str, Option<&[String]>)| {
        let published = topology::STREAMS.iter().filter(|stream| stream.domain == name);
        let messaging = health.checks.get(name).and_then(|checks| checks.get("messaging"));
        json!({
            "name": name,
            "place": place,
            "status": health.services.get(name),
            "publishes": published.map(stream).collect::<Vec<_>>(),
            "hears": topology::heard_by(name).iter().map(stream).collect::<Vec<_>>(),
            "listens_to": listens_to,
            "messaging": messaging,
        })
    };
    let items: Vec<Value> = mounted.chain(remote).map(module).collect();
    let silent = items.iter().filter(|item| item["place"] == "remote" && item["messaging"].is_null());
    let unanswered: Vec<Value> = silent.map(|item| json!({ "domain": item["name"], "code": "unavailable" })).collect();
    web::json(StatusCode::OK, &json!({ "items": items, "next_cursor": null, "unanswered": unanswered }))
}

fn stream(stream: &StreamName) -> String {
    format!("{}.{}", stream.domain, stream.aggregate)
}
