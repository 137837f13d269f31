//! `/api/v1/users/me/sessions/{id}`: one of the own sign-ins. Rule: ending the one that asks is signing out.

use crate::app::{EndSession, end_session};
use crate::state::UserState;
use actix_web::HttpResponse;
use actix_web::web::Data;
use contracts::SessionId;
use web::openapi::Operation;
use web::{Answer, Call, FreshCaller, Id, NoParams, Params, Problem, ProblemCode, Verifier};

/// For the document.
pub(super) fn operation() -> Operation {
    Operation::new("endMySession", "Ends one of the own sessions; the one that asks, too")
        .tag("users")
        .signed_in()
        .no_content()
        .problem(ProblemCode::NotFound)
}

pub(super) async fn delete(
    state: Data<UserState>,
    verifier: Data<Verifier>,
    _: FreshCaller,
    call: Call,
    Id(session): Id<SessionId>,
    _: Params<NoParams>,
) -> Result<HttpResponse, Problem> {
    let command = EndSession { user: call.caller.user_id, session, current: call.caller.session_id };
    let answer = web::command(&state.db, &call, &command, end_session, |()| Answer::no_content()).await?;
    state.keys.tell(&verifier).await;
    Ok(answer)
}
