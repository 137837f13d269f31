//! `GET /.well-known/jwks.json`.

use crate::state::UserState;
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use web::openapi::{Operation, Reply};
use web::{NoParams, Params, Problem};

/// Public keys (RFC 7517) that access tokens are verified with.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "KeySet")]
struct Keys {
    keys: Vec<Key>,
}

/// A public key for ES256.
#[derive(Serialize, JsonSchema)]
struct Key {
    kty: String,
    crv: String,
    x: String,
    y: String,
    /// Named by the header of a token.
    kid: String,
    alg: String,
    #[serde(rename = "use")]
    usage: String,
}

/// For the document.
pub(super) fn operation() -> Operation {
    Operation::new("getKeys", "Public keys of the access tokens")
        .tag("auth")
        .if_none_match()
        .reply(Reply::new(200, "The keys.").media::<Keys>("application/jwk-set+json", example).tagged().cached())
        .reply(Reply::new(304, "It is as If-None-Match says.").tagged().cached())
}

fn example() -> serde_json::Value {
    json!({ "keys": [{
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "kid": "dGhpcyBpcyBhIGtleSBpZC4",
        "alg": "ES256",
        "use": "sig",
    }] })
}

pub(super) async fn jwks(
    state: Data<UserState>,
    request: HttpRequest,
    _: Params<NoParams>,
) -> Result<HttpResponse, Problem> {
    let document = state.keys.jwks().await?;
    let tag = tag_of(&document);
    let known = is_known(&request, &tag);
    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((header::ETAG, tag)).insert_header((header::CACHE_CONTROL, "public, max-age=300"));
    Ok(if known { response.finish() } else { response.content_type("application/jwk-set+json").body(document) })
}

/// The entity tag of a document.
pub(super) fn tag_of(document: &str) -> String {
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest(&SHA256, document.as_bytes())))
}

/// The tag has no comma, so the header can be taken apart at them.
pub(super) fn is_known(request: &HttpRequest, tag: &str) -> bool {
    let lines = request.headers().get_all(header::IF_NONE_MATCH).filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}
