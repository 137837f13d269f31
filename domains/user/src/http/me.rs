//! `/api/v1/users/me`: the own account.

use super::body::ProfilePatch;
use super::user::{delete_own, edited};
use super::view::UserView;
use crate::app::{EditUser, edit_user};
use crate::state::UserState;
use crate::store::users;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use secrecy::SecretString;
use serde::Deserialize;
use web::{Body, Call, Caller, FreshCaller, NoParams, Params, Problem, ProblemCode, Verifier};

pub(super) async fn get(
    state: Data<UserState>,
    request: HttpRequest,
    caller: Caller,
    _: Params<NoParams>,
) -> Result<HttpResponse, Problem> {
    let user = users::find(state.db.reader(), caller.user_id).await?;
    let user = user.ok_or_else(|| Problem::new(ProblemCode::NotFound))?;
    web::one(&request, user.version, &UserView::from(&user))
}

pub(super) async fn patch(
    state: Data<UserState>,
    call: Call,
    _: Params<NoParams>,
    Body(body): Body<ProfilePatch>,
) -> Result<HttpResponse, Problem> {
    let command = EditUser { user: call.caller.user_id, edit: body.check()?, if_match: call.if_match };
    web::command(&state.db, &call, &command, edit_user, edited).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirmation {
    pub(super) password: SecretString,
}

pub(super) async fn delete(
    state: Data<UserState>,
    verifier: Data<Verifier>,
    _: FreshCaller,
    call: Call,
    _: Params<NoParams>,
    Body(body): Body<Confirmation>,
) -> Result<HttpResponse, Problem> {
    delete_own(&state, &verifier, &call, &body).await
}
