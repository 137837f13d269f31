//! `/api/v1/users/me`: the own account.

use super::body::{AnyText, ProfilePatch};
use super::user::{delete_own, edited};
use super::view::{self, UserView};
use crate::app::{EditUser, edit_user};
use crate::state::UserState;
use crate::store::users;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use web::openapi::Operation;
use web::{Body, Call, Caller, FreshCaller, NoParams, Params, Problem, ProblemCode, Verifier};

/// For the document.
pub(super) fn get_operation() -> Operation {
    Operation::new("getMe", "The own account")
        .tag("users")
        .signed_in()
        .one::<UserView>(view::example)
        .problem(ProblemCode::NotFound)
}

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

/// For the document.
pub(super) fn patch_operation() -> Operation {
    Operation::new("patchMe", "Changes the own profile")
        .tag("users")
        .signed_in()
        .body::<ProfilePatch>(|| json!({ "display_name": "Anna", "timezone": "Europe/Berlin" }))
        .keyed()
        .if_match()
        .changed::<UserView>(view::example)
        .problem(ProblemCode::NotFound)
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

/// The password, by which somebody shows that the account is theirs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirmation {
    #[schemars(with = "AnyText")]
    pub(super) password: SecretString,
}

/// For the document.
pub(super) fn delete_operation() -> Operation {
    Operation::new("deleteMe", "Deletes the own account and all that is in it")
        .tag("users")
        .signed_in()
        .body::<Confirmation>(|| json!({ "password": "correct horse battery" }))
        .if_match()
        .no_content()
        .problems(&[ProblemCode::NotFound, ProblemCode::Forbidden, ProblemCode::LastAdmin])
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
