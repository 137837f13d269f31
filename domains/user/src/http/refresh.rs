//! `POST /api/v1/auth/refresh`.

use super::tokens::tokens;
use crate::app::{RefreshSession, Refreshed, refresh_session};
use crate::crypto::RefreshSecret;
use crate::state::UserState;
use actix_web::HttpResponse;
use actix_web::web::Data;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use web::{Body, NoParams, OpenCall, Params, Problem, ProblemCode, Verifier};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Refresh {
    refresh_token: SecretString,
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
