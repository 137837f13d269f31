//! `POST /api/v1/auth/register`.

use super::body::Credentials;
use super::view::UserView;
use crate::app::{create_user, hash_new_password};
use crate::domain::User;
use crate::state::UserState;
use actix_web::HttpResponse;
use actix_web::web::Data;
use contracts::user::Role;
use secrecy::SecretString;
use serde::Deserialize;
use web::{Answer, Body, Command, NoParams, OpenCall, Params, Problem, ProblemCode};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Register {
    username: String,
    email: String,
    password: SecretString,
    display_name: Option<String>,
    timezone: Option<String>,
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
