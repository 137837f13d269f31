//! `GET /`: help for whoever opens the printed address, a program or a person.

use crate::process::Process;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;
use web::openapi::{Operation, Reply};
use web::{NoParams, Params};

/// Where everything is.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Root")]
struct RootView {
    name: &'static str,
    version: &'static str,
    links: Links,
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct Links {
    openapi: &'static str,
    docs: &'static str,
    errors: &'static str,
    health: &'static str,
    /// The health of each domain.
    services: BTreeMap<String, String>,
}

pub(super) fn operation() -> Operation {
    let example = || {
        let services = json!({ "task": "/health/task" });
        let links = json!({
            "openapi": "/openapi.json", "docs": "/docs", "errors": "/docs/errors", "health": "/health",
            "services": services,
        });
        json!({ "name": "Cleave", "version": "0.1.0", "links": links })
    };
    Operation::new("getRoot", "Name, version and links")
        .at_hand()
        .reply(Reply::new(200, "Where everything is.").json::<RootView>(example))
        .reply(Reply::new(303, "The way to /docs, for who asks for text/html.").located())
}

/// JSON, or the way to `/docs` for a browser.
pub(super) async fn root(request: HttpRequest, process: Data<Process>, _: Params<NoParams>) -> HttpResponse {
    if wants_html(request.headers()) {
        let mut answer = HttpResponse::SeeOther();
        return answer
            .insert_header((header::LOCATION, "/docs"))
            .insert_header((header::VARY, "Accept, Origin"))
            .finish();
    }
    let mounted = process.domains.iter().map(|domain| domain.name);
    let served = mounted.chain(process.remote.iter().map(|service| service.name));
    let services = served.map(|name| (name.to_owned(), format!("/health/{name}"))).collect();
    let links = Links { openapi: "/openapi.json", docs: "/docs", errors: "/docs/errors", health: "/health", services };
    let root = RootView { name: "Cleave", version: env!("CARGO_PKG_VERSION"), links };
    HttpResponse::Ok().insert_header((header::VARY, "Accept, Origin")).json(root)
}

/// What a browser sends for an address that was typed; `*/*` alone gets JSON.
fn wants_html(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|range| range.split(';').next())
        .any(|range| range.trim().eq_ignore_ascii_case("text/html"))
}
