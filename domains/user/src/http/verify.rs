//! `POST /api/v1/auth/verify`: for services that cannot verify a token by themselves.

use super::body::AnyText;
use crate::domain::User;
use crate::state::UserState;
use crate::store::users;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use contracts::user::Role;
use contracts::{SessionId, UserId};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::borrow::Cow;
use web::openapi::Operation;
use web::{Body, Claims, Network, NoParams, Params, Problem, Verifier};

/// An access token.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Verify {
    #[schemars(with = "AnyText")]
    token: SecretString,
}

/// What a good token says.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ActiveToken")]
struct Active<'a> {
    #[schemars(extend("const" = true))]
    active: bool,
    sub: UserId,
    username: &'a str,
    role: Role,
    /// Seconds since 1970.
    exp: u64,
    /// Seconds since 1970.
    iat: u64,
    session_id: SessionId,
}

/// What is said of a token: all of a good one, of others that they are none.
struct Verdict;

impl JsonSchema for Verdict {
    fn schema_name() -> Cow<'static, str> {
        "TokenVerdict".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let inactive = json!({
            "type": "object",
            "required": ["active"],
            "properties": { "active": { "const": false } },
            "additionalProperties": false,
        });
        json_schema!({ "oneOf": [generator.subschema_for::<Active<'_>>(), inactive] })
    }
}

/// For the document.
pub(super) fn operation() -> Operation {
    Operation::new("verifyToken", "What an access token says, if it is good")
        .tag("auth")
        .body::<Verify>(|| json!({ "token": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.c2lnbmF0dXJl" }))
        .ok::<Verdict>(|| json!({ "active": false }))
        .reading()
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
