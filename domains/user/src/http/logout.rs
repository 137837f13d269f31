//! `POST /api/v1/auth/logout`. Rule: doing it twice is as good as once, although the token of the second time is
//! worth nothing any more.

use crate::app::{SignOut, sign_out};
use crate::state::UserState;
use crate::store::sessions;
use actix_web::http::header::AUTHORIZATION;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use contracts::UserId;
use schemars::JsonSchema;
use serde::Deserialize;
use web::openapi::Operation;
use web::{Call, Params, Problem, ProblemCode, Verifier};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    /// Whether every session ends, and not this one alone.
    #[serde(default)]
    all: bool,
}

/// For the document.
pub(super) fn operation() -> Operation {
    Operation::new("logout", "Ends this session; doing it twice is as good as once")
        .tag("auth")
        .signed_in()
        .query::<Which>()
        .no_content()
        .problem(ProblemCode::InvalidHeader)
}

pub(super) async fn logout(
    state: Data<UserState>,
    verifier: Data<Verifier>,
    request: HttpRequest,
    call: Result<Call, Problem>,
    which: Result<Params<Which>, Problem>,
) -> Result<HttpResponse, Problem> {
    // Who asks comes before what is asked.
    let call = match call {
        Ok(call) => Ok(call),
        Err(refused) => Err((who_is_out(&state, &request, &refused).ok_or_else(|| refused.clone())?, refused)),
    };
    let Params(which) = which?;
    let call = match call {
        Ok(call) => call,
        Err((user, _)) if !which.all || !sessions::any_live(state.db.reader(), user).await? => {
            return Ok(HttpResponse::NoContent().finish());
        }
        Err((_, refused)) => return Err(refused),
    };
    let command = SignOut { user: call.caller.user_id, session: call.caller.session_id, all: which.all };
    state.db.write(&call.context, &command, sign_out).await?;
    state.keys.tell(&verifier).await;
    Ok(HttpResponse::NoContent().finish())
}

/// A token of ours that has not expired and is refused all the same belongs to a session that has ended.
fn who_is_out(state: &UserState, request: &HttpRequest, refused: &Problem) -> Option<UserId> {
    let token = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.split_once(' '));
    let (_, token) = token.filter(|_| refused.code() == ProblemCode::InvalidToken)?;
    state.issuer.issued_to(token.trim_start(), state.db.clock().now())
}
