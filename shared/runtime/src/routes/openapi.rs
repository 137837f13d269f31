//! `GET /openapi.json`.

use super::Pages;
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpResponse, Responder};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::json;
use std::borrow::Cow;
use web::openapi::{Operation, Reply};
use web::{NoParams, Params};

/// A document of OpenAPI 3.1.
struct OpenApi;

impl JsonSchema for OpenApi {
    fn schema_name() -> Cow<'static, str> {
        "OpenApi".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "required": ["openapi", "info", "paths", "components"],
            "properties": {
                "openapi": { "type": "string", "pattern": r"^3\.1\." },
                "info": { "type": "object" },
                "paths": { "type": "object" },
                "components": { "type": "object" },
            },
        })
    }
}

pub(super) fn operation() -> Operation {
    let example = || json!({ "openapi": "3.1.0", "info": { "title": "Cleave" }, "paths": {}, "components": {} });
    Operation::new("getOpenApi", "This document")
        .at_hand()
        .reply(Reply::new(200, "The document.").json::<OpenApi>(example).cached())
}

pub(super) async fn openapi(pages: Data<Pages>, _: Params<NoParams>) -> impl Responder {
    HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .body(pages.openapi().to_owned())
}
