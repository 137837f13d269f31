//! The answer that carries tokens.

use crate::app::SignedIn;
use crate::crypto::RefreshSecret;
use crate::domain::ACCESS_TOKEN;
use crate::state::UserState;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Serialize;
use web::Problem;

#[derive(Serialize)]
struct Tokens<'a> {
    access_token: String,
    token_type: &'static str,
    expires_in: i64,
    refresh_token: &'a str,
    refresh_expires_in: i64,
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
