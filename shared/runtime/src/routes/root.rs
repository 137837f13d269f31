//! `GET /`: help for whoever opens the printed address, a program or a person.

use crate::process::Process;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value, json};
use web::{NoParams, Params};

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
    let services: Map<String, Value> = served.map(|name| (name.to_owned(), json!(format!("/health/{name}")))).collect();
    HttpResponse::Ok().insert_header((header::VARY, "Accept, Origin")).json(json!({
        "name": "Cleave",
        "version": env!("CARGO_PKG_VERSION"),
        "links": { "docs": "/docs", "errors": "/docs/errors", "health": "/health", "services": services },
    }))
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
