//! `PUT /api/v1/users/me/password`. Rule: a stolen access token is not enough, so the present password is asked for.

use super::body::AnyText;
use crate::app::{ChangePassword, change_password, check_password};
use crate::domain::{Password, User};
use crate::state::UserState;
use crate::store::users;
use actix_web::HttpResponse;
use actix_web::web::Data;
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use web::openapi::Operation;
use web::{Answer, Body, Call, FieldErrors, FreshCaller, NoParams, Params, Problem, ProblemCode, Verifier};

/// A new password, and the present one as a proof.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ChangePassword")]
pub(super) struct NewPassword {
    #[schemars(with = "AnyText")]
    current_password: SecretString,
    #[schemars(with = "Password")]
    new_password: SecretString,
}

/// For the document.
pub(super) fn operation() -> Operation {
    Operation::new("changeMyPassword", "Changes the own password; all other sessions end")
        .tag("users")
        .signed_in()
        .body::<NewPassword>(
            || json!({ "current_password": "correct horse battery", "new_password": "battery horse correct" }),
        )
        .no_content()
        .problems(&[ProblemCode::NotFound, ProblemCode::Forbidden])
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
    let asking = state.attempts.from(call.network);
    let checked_hash = check_password(&state.db, &state.passwords, asking, user, &body.current_password).await?;
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
