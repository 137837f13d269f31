//! `POST /api/v1/auth/register`.

use super::body::Credentials;
use super::view::UserView;
use crate::app::create_user;
use crate::domain::User;
use crate::state::UserState;
use actix_web::HttpResponse;
use actix_web::web::Data;
use contracts::user::Role;
use secrecy::SecretString;
use serde::Deserialize;
use web::{Answer, Body, NoParams, OpenCall, Params, Problem, ProblemCode};

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
    let (mut new, password) = credentials.check()?;
    new.password_hash = state.passwords.hash(&password).await?;
    web::command(&state.db, &call.with_secret(&state.request_secret), &new, create_user, created).await
}

pub(super) fn created(user: &User) -> Answer {
    Answer::created(&format!("/api/v1/users/{}", user.id), user.version, &UserView::from(user))
}
