//! `PUT /api/v1/users/me/password`. Rule: a stolen access token is not enough, so the present password is asked for.

use crate::app::{ChangePassword, change_password, check_password};
use crate::domain::{Password, User};
use crate::state::UserState;
use crate::store::users;
use actix_web::HttpResponse;
use actix_web::web::Data;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use web::{Answer, Body, Call, FieldErrors, FreshCaller, NoParams, Params, Problem, ProblemCode, Verifier};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPassword {
    current_password: SecretString,
    new_password: SecretString,
}

pub(super) async fn put(
    state: Data<UserState>,
    verifier: Data<Verifier>,
    _: FreshCaller,
    call: Call,
    _: Params<NoParams>,
    Body(body): Body<NewPassword>,
) -> Result<HttpResponse, Problem> {
    let (user, session) = (call.caller.user_id, call.caller.session_id);
    let account = users::find(state.db.reader(), user).await?.ok_or_else(|| Problem::new(ProblemCode::NotFound))?;
    let new = new_password(body.new_password, &account)?;
    let checked_hash = check_password(&state.db, &state.passwords, user, &body.current_password).await?;
    differs(&body.current_password, &new)?;
    let new_hash = state.passwords.hash(&new).await?;
    let command = ChangePassword { user, session, checked_hash, new_hash };
    let answer = web::command(&state.db, &call, &command, change_password, |()| Answer::no_content()).await?;
    state.keys.tell(&verifier).await;
    Ok(answer)
}

/// Before the hashing, which is what a wrong one would cost.
fn new_password(raw: SecretString, account: &User) -> Result<Password, Problem> {
    let mut errors = FieldErrors::new();
    let about = [account.username.as_str(), account.email.as_str()];
    errors.check("/new_password", Password::parse(raw, &about)).ok_or_else(|| errors.into_problem())
}

/// After the present one was found right: what is the same tells nothing to whoever does not know it.
fn differs(present: &SecretString, new: &Password) -> Result<(), Problem> {
    let mut errors = FieldErrors::new();
    if present.expose_secret() == new.secret().expose_secret() {
        errors.add("/new_password", "unchanged", "must be another one than the present");
    }
    errors.finish()
}
