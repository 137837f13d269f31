//! `POST /api/v1/auth/register`.

use super::body::Credentials;
use super::view::{self, UserView};
use crate::app::{create_user, hash_new_password};
use crate::domain::{DisplayName, Email, Password, Timezone, User, Username};
use crate::state::UserState;
use actix_web::HttpResponse;
use actix_web::web::Data;
use contracts::user::Role;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use web::openapi::Operation;
use web::{Answer, Body, Command, NoParams, OpenCall, Params, Problem, ProblemCode};

/// A new account of one's own.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Register {
    #[schemars(with = "Username")]
    username: String,
    #[schemars(with = "Email")]
    email: String,
    #[schemars(with = "Password")]
    password: SecretString,
    #[schemars(with = "Option<DisplayName>")]
    display_name: Option<String>,
    #[schemars(with = "Option<Timezone>")]
    timezone: Option<String>,
}

/// For the document.
pub(super) fn operation() -> Operation {
    Operation::new("register", "Makes an account")
        .tag("auth")
        .body::<Register>(
            || json!({ "username": "anna", "email": "anna@example.org", "password": "correct horse battery" }),
        )
        .keyed()
        .created::<UserView>(view::example)
        .problems(&[ProblemCode::UsernameTaken, ProblemCode::EmailTaken, ProblemCode::RegistrationClosed])
}

pub(super) async fn register(
    state: Data<UserState>,
    call: OpenCall,
    _: Params<NoParams>,
    Body(body): Body<Register>,
) -> Result<HttpResponse, Problem> {
    if !state.registration_open {
        return Err(Problem::new(ProblemCode::RegistrationClosed));
    }
    let Register { username, email, password, display_name, timezone } = body;
    let credentials = Credentials { username, email, password, display_name, timezone, role: Role::User };
    let asking = state.attempts.from(call.network);
    let call = call.with_secret(&state.request_secret);
    let (new, password) = credentials.check()?;
    asking.register()?;
    let repeated = call.key().is_some();
    let new = hash_new_password(&state.db, &state.passwords, new, &password, repeated).await?;
    web::command(&state.db, &call, &new, create_user, created).await
}

pub(super) fn created(user: &User) -> Answer {
    Answer::created(&format!("/api/v1/users/{}", user.id), user.version, &UserView::from(user))
}
