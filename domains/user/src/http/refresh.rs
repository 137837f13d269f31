//! `POST /api/v1/auth/refresh`.

use super::body::AnyText;
use super::tokens::{self, Tokens, tokens};
use crate::app::{RefreshSession, Refreshed, refresh_session};
use crate::crypto::RefreshSecret;
use crate::state::UserState;
use actix_web::HttpResponse;
use actix_web::web::Data;
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use web::openapi::Operation;
use web::{Body, NoParams, OpenCall, Params, Problem, ProblemCode, Verifier};

/// A refresh token.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Refresh {
    #[schemars(with = "AnyText")]
    refresh_token: SecretString,
}

/// For the document.
pub(super) fn operation() -> Operation {
    Operation::new("refresh", "Changes a refresh token for new tokens")
        .tag("auth")
        .body::<Refresh>(|| json!({ "refresh_token": "rt_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8" }))
        .ok::<Tokens<'_>>(tokens::example)
        .problems(&[ProblemCode::RefreshInvalid, ProblemCode::RefreshReused, ProblemCode::InvalidHeader])
}

pub(super) async fn refresh(
    state: Data<UserState>,
    verifier: Data<Verifier>,
    call: OpenCall,
    _: Params<NoParams>,
    Body(body): Body<Refresh>,
) -> Result<HttpResponse, Problem> {
    let invalid = || Problem::new(ProblemCode::RefreshInvalid);
    let presented = RefreshSecret::parse(body.refresh_token.expose_secret()).ok_or_else(invalid)?;
    let successor = RefreshSecret::generate()?;
    let successor_ct = presented.seal(&successor)?;
    let command = RefreshSession { presented: presented.hash(), successor: successor.hash(), successor_ct };
    match state.db.write(&call.context, &command, refresh_session).await? {
        Refreshed::Rotated(signed_in) => tokens(&state, &signed_in, &successor),
        Refreshed::Repeated { signed_in, successor_ct } => tokens(&state, &signed_in, &presented.open(&successor_ct)?),
        Refreshed::Unknown => Err(invalid()),
        Refreshed::Reused { user, session } => {
            state.keys.tell(&verifier).await;
            let request_id = call.context.correlation_id.as_deref();
            tracing::warn!(user_id = %user, session_id = %session, request_id, "a refresh token was used twice; its session ended");
            Err(Problem::new(ProblemCode::RefreshReused))
        }
    }
}
