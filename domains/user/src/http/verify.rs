//! `POST /api/v1/auth/verify`: for services that cannot verify a token by themselves.

use crate::domain::User;
use crate::state::UserState;
use crate::store::users;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use contracts::user::Role;
use contracts::{SessionId, UserId};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use web::{Body, Claims, Network, NoParams, Params, Problem, Verifier};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Verify {
    token: SecretString,
}

#[derive(Serialize)]
struct Active<'a> {
    active: bool,
    sub: UserId,
    username: &'a str,
    role: Role,
    exp: u64,
    iat: u64,
    session_id: SessionId,
}

pub(super) async fn verify(
    state: Data<UserState>,
    request: HttpRequest,
    verifier: Data<Verifier>,
    _: Params<NoParams>,
    Body(body): Body<Verify>,
) -> Result<HttpResponse, Problem> {
    state.attempts.from(Network::of(web::client_address(&request))).once()?;
    let inactive = || web::json(StatusCode::OK, &json!({"active": false}));
    let Ok(claims) = verifier.verify(body.token.expose_secret()) else { return inactive() };
    let user = users::find(state.db.reader(), claims.sub).await?;
    match user.filter(|user| still_says(user, &claims)) {
        Some(user) => web::json(StatusCode::OK, &active(&user, &claims)),
        None => inactive(),
    }
}

/// The table is at hand here, so it is asked instead of waiting for the revocation to arrive.
fn still_says(user: &User, claims: &Claims) -> bool {
    user.is_active && claims.epoch >= user.token_epoch
}

fn active<'a>(user: &'a User, claims: &Claims) -> Active<'a> {
    Active {
        active: true,
        sub: user.id,
        username: user.username.as_str(),
        role: claims.role,
        exp: claims.exp,
        iat: claims.iat,
        session_id: claims.sid,
    }
}
