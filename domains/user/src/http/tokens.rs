//! The answer that carries tokens.

use crate::app::SignedIn;
use crate::crypto::RefreshSecret;
use crate::domain::ACCESS_TOKEN;
use crate::state::UserState;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use web::Problem;

/// Tokens of a session.
#[derive(Serialize, JsonSchema)]
pub(super) struct Tokens<'a> {
    /// For `Authorization: Bearer`.
    access_token: String,
    #[schemars(extend("const" = "Bearer"))]
    token_type: &'static str,
    /// Seconds.
    expires_in: i64,
    /// For one use.
    refresh_token: &'a str,
    /// Seconds.
    refresh_expires_in: i64,
}

/// For the document.
pub(super) fn example() -> Value {
    json!({
        "access_token": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.c2lnbmF0dXJl",
        "token_type": "Bearer",
        "expires_in": 600,
        "refresh_token": "rt_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
        "refresh_expires_in": 1_209_600,
    })
}

pub(super) fn tokens(
    state: &UserState,
    signed_in: &SignedIn,
    refresh: &RefreshSecret,
) -> Result<HttpResponse, Problem> {
    let answer = Tokens {
        access_token: state.issuer.access_token(signed_in, state.db.new_id())?,
        token_type: "Bearer",
        expires_in: ACCESS_TOKEN.num_seconds(),
        refresh_token: refresh.expose(),
        refresh_expires_in: (signed_in.refresh_exp - signed_in.now).num_seconds(),
    };
    web::json(StatusCode::OK, &answer)
}
