//! `POST /api/v1/auth/logout`. Rule: doing it twice is as good as once, although the token of the second time is
//! worth nothing any more.

use crate::app::{SignOut, sign_out};
use crate::state::UserState;
use actix_web::http::header::AUTHORIZATION;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use web::{Call, Params, Problem, ProblemCode, Verifier};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    #[serde(default)]
    all: bool,
}

pub(super) async fn logout(
    state: Data<UserState>,
    verifier: Data<Verifier>,
    request: HttpRequest,
    call: Result<Call, Problem>,
    Params(which): Params<Which>,
) -> Result<HttpResponse, Problem> {
    let call = match call {
        Err(refused) if !which.all && is_out(&state, &request, &refused) => {
            return Ok(HttpResponse::NoContent().finish());
        }
        call => call?,
    };
    let command = SignOut { user: call.caller.user_id, session: call.caller.session_id, all: which.all };
    state.db.write(&call.context, &command, sign_out).await?;
    state.keys.tell(&verifier).await;
    Ok(HttpResponse::NoContent().finish())
}

/// A token of ours that has not expired and is refused all the same belongs to a session that has ended.
fn is_out(state: &UserState, request: &HttpRequest, refused: &Problem) -> bool {
    let token = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.split_once(' '));
    refused.code() == ProblemCode::InvalidToken
        && token.is_some_and(|(_, token)| state.issuer.has_issued(token.trim_start(), state.db.clock().now()))
}
