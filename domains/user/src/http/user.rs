//! `/api/v1/users/{id}`. Rule: to whoever may not write an account it is not there to be written.

use super::body::{UserPatch, UserReplacement};
use super::me::Confirmation;
use super::view::{self, PublicUserView, SomeUserView, UserView};
use crate::app::{DeleteUser, EditUser, check_password, delete_user, edit_user};
use crate::domain::{Edit, User};
use crate::state::UserState;
use crate::store::users;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use contracts::UserId;
use serde_json::json;
use web::openapi::Operation;
use web::{Answer, Body, Call, Caller, FreshCaller, Id, MaybeBody, NoParams, Params, Problem, ProblemCode, Verifier};

/// For the document.
pub(super) fn get_operation() -> Operation {
    Operation::new("getUser", "An account; to others than its user and administrators the name alone")
        .tag("users")
        .signed_in()
        .one::<SomeUserView>(view::example)
}

pub(super) async fn get(
    state: Data<UserState>,
    request: HttpRequest,
    caller: Caller,
    Id(id): Id<UserId>,
    _: Params<NoParams>,
) -> Result<HttpResponse, Problem> {
    let user = users::find(state.db.reader(), id).await?.ok_or_else(|| Problem::new(ProblemCode::NotFound))?;
    if may_write(&caller, id) {
        web::one(&request, user.version, &UserView::from(&user))
    } else {
        web::one_public(&request, user.version, &PublicUserView::from(&user))
    }
}

/// For the document.
pub(super) fn put_operation() -> Operation {
    Operation::new("replaceUser", "Replaces every field of an account; role and activation stay when they are left out")
        .tag("users")
        .signed_in()
        .body::<UserReplacement>(|| json!({ "display_name": "Anna", "timezone": "Europe/Berlin" }))
        .if_match()
        .changed::<UserView>(view::example)
        .problems(&[ProblemCode::InsufficientScope, ProblemCode::LastAdmin])
}

pub(super) async fn put(
    state: Data<UserState>,
    verifier: Data<Verifier>,
    _: FreshCaller,
    call: Call,
    Id(id): Id<UserId>,
    _: Params<NoParams>,
    Body(body): Body<UserReplacement>,
) -> Result<HttpResponse, Problem> {
    writable(&call.caller, id)?;
    let edit = body.check(call.caller.is_admin())?;
    edit_and_tell(&state, &verifier, &call, id, edit).await
}

/// For the document.
pub(super) fn patch_operation() -> Operation {
    Operation::new("patchUser", "Changes some fields of an account")
        .tag("users")
        .signed_in()
        .body::<UserPatch>(|| json!({ "display_name": null }))
        .keyed()
        .if_match()
        .changed::<UserView>(view::example)
        .problems(&[ProblemCode::InsufficientScope, ProblemCode::LastAdmin])
}

pub(super) async fn patch(
    state: Data<UserState>,
    verifier: Data<Verifier>,
    _: FreshCaller,
    call: Call,
    Id(id): Id<UserId>,
    _: Params<NoParams>,
    Body(body): Body<UserPatch>,
) -> Result<HttpResponse, Problem> {
    writable(&call.caller, id)?;
    let edit = body.check(call.caller.is_admin())?;
    edit_and_tell(&state, &verifier, &call, id, edit).await
}

/// For the document.
pub(super) fn delete_operation() -> Operation {
    Operation::new("deleteUser", "Deletes an account; for one's own the password is needed")
        .tag("users")
        .signed_in()
        .maybe_body::<Confirmation>(|| json!({ "password": "correct horse battery" }))
        .if_match()
        .no_content()
        .problems(&[ProblemCode::Forbidden, ProblemCode::LastAdmin])
}

/// The body is for one's own account alone: whoever holds a stolen token must not be able to delete it.
pub(super) async fn delete(
    state: Data<UserState>,
    verifier: Data<Verifier>,
    _: FreshCaller,
    call: Call,
    Id(id): Id<UserId>,
    _: Params<NoParams>,
    MaybeBody(confirmation): MaybeBody<Confirmation>,
) -> Result<HttpResponse, Problem> {
    writable(&call.caller, id)?;
    if id != call.caller.user_id {
        let command = DeleteUser { user: id, if_match: call.if_match, checked_hash: None };
        return delete_and_tell(&state, &verifier, &call, command).await;
    }
    let Some(confirmation) = confirmation else {
        return Err(Problem::new(ProblemCode::Forbidden).detail("to delete the own account, send {\"password\": …}"));
    };
    delete_own(&state, &verifier, &call, &confirmation).await
}

pub(super) async fn delete_own(
    state: &UserState,
    verifier: &Verifier,
    call: &Call,
    confirmation: &Confirmation,
) -> Result<HttpResponse, Problem> {
    let user = call.caller.user_id;
    let asking = state.attempts.from(call.network);
    let checked_hash = check_password(&state.db, &state.passwords, asking, user, &confirmation.password).await?;
    let command = DeleteUser { user, if_match: call.if_match, checked_hash: Some(checked_hash) };
    delete_and_tell(state, verifier, call, command).await
}

pub(super) fn edited(user: &User) -> Answer {
    Answer::ok(user.version, &UserView::from(user))
}

async fn edit_and_tell(
    state: &UserState,
    verifier: &Verifier,
    call: &Call,
    user: UserId,
    edit: Edit,
) -> Result<HttpResponse, Problem> {
    let command = EditUser { user, edit, if_match: call.if_match };
    let answer = web::command(&state.db, call, &command, edit_user, edited).await?;
    state.keys.tell(verifier).await;
    Ok(answer)
}

async fn delete_and_tell(
    state: &UserState,
    verifier: &Verifier,
    call: &Call,
    command: DeleteUser,
) -> Result<HttpResponse, Problem> {
    let answer = web::command(&state.db, call, &command, delete_user, |()| Answer::no_content()).await?;
    state.keys.tell(verifier).await;
    Ok(answer)
}

fn may_write(caller: &Caller, id: UserId) -> bool {
    caller.user_id == id || caller.is_admin()
}

fn writable(caller: &Caller, id: UserId) -> Result<(), Problem> {
    if may_write(caller, id) { Ok(()) } else { Err(Problem::new(ProblemCode::NotFound)) }
}
