//! `POST /api/v1/auth/login`.

use super::body::AnyText;
use super::tokens::{self, Tokens, tokens};
use crate::app::{SignIn, SignInError, sign_in};
use crate::attempts::AttemptError;
use crate::state::UserState;
use crate::store::sessions::Device;
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use web::openapi::Operation;
use web::{Body, NoParams, OpenCall, Params, Problem, ProblemCode};

/// Who signs in.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    /// Username or e-mail address.
    #[schemars(with = "AnyText")]
    login: String,
    #[schemars(with = "AnyText")]
    password: SecretString,
}

/// For the document.
pub(super) fn operation() -> Operation {
    Operation::new("login", "Signs in with username or e-mail address")
        .tag("auth")
        .body::<Login>(|| json!({ "login": "anna", "password": "correct horse battery" }))
        .ok::<Tokens<'_>>(tokens::example)
        .problems(&[ProblemCode::InvalidCredentials, ProblemCode::InvalidHeader])
}

pub(super) async fn login(
    state: Data<UserState>,
    request: HttpRequest,
    call: OpenCall,
    _: Params<NoParams>,
    Body(Login { login, password }): Body<Login>,
) -> Result<HttpResponse, Problem> {
    let attempt = SignIn { login, password, device: device(&request) };
    let outcome =
        sign_in(&state.db, &state.passwords, state.attempts.from(call.network), &call.context, &attempt).await;
    tell(&outcome, &call.context, &attempt.device);
    let (signed_in, refresh) = outcome?;
    tokens(&state, &signed_in, &refresh)
}

/// The longest user agent that is kept.
const USER_AGENT: usize = 200;

fn device(request: &HttpRequest) -> Device {
    let agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    Device {
        user_agent: agent.map(|text| text.chars().take(USER_AGENT).collect()),
        ip: web::client_address(request).map(|address| address.to_string()),
    }
}

/// The name that was tried is left out: people type their password there.
fn tell<T>(outcome: &Result<(crate::app::SignedIn, T), SignInError>, context: &db::Context, device: &Device) {
    let (request_id, ip) = (context.correlation_id.as_deref(), device.ip.as_deref());
    match outcome {
        Ok((signed_in, _)) => {
            tracing::info!(user_id = %signed_in.user, session_id = %signed_in.session, request_id, ip, "signed in");
        }
        Err(SignInError::Refused) => tracing::info!(request_id, ip, "sign-in refused"),
        Err(SignInError::Attempt(AttemptError::TooMany(_))) => {
            tracing::info!(request_id, ip, "sign-in refused: too many attempts");
        }
        // The boundary logs what failed.
        Err(SignInError::Attempt(_) | SignInError::Password(_) | SignInError::Crypto(_) | SignInError::Db(_)) => {}
    }
}
