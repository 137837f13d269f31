//! The caller as handlers see it. Rule: a handler that does not ask for one of these is public.

use super::bearer;
use super::claims::Claims;
use super::verifier::Verifier;
use crate::problem::{Problem, ProblemCode};
use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use chrono::{DateTime, Utc};
use contracts::user::Role;
use contracts::{SessionId, UserId};
use std::future::{Ready, ready};

/// Somebody who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub user_id: UserId,
    /// What they may do.
    pub role: Role,
    /// Their session.
    pub session_id: SessionId,
    /// When the access token ends.
    pub expires_at: DateTime<Utc>,
}

/// A caller on a route where revocations must be up to date: deleting, credentials. 503 when they may not be.
#[derive(Debug, Clone)]
pub struct FreshCaller(pub Caller);

/// A caller with the role of an administrator; others get 403. Fresh, as [`FreshCaller`] is.
#[derive(Debug, Clone)]
pub struct Admin(pub Caller);

impl Caller {
    /// True for administrators.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }

    /// The caller of a request; verified once, however many extractors ask.
    pub(crate) fn of(request: &HttpRequest) -> Result<Self, Problem> {
        if let Some(caller) = request.extensions().get::<Self>() {
            return Ok(caller.clone());
        }
        let verifier = verifier(request)?;
        let token = bearer::token(request)?;
        if !verifier.is_loaded() {
            return Err(Problem::new(ProblemCode::Unavailable));
        }
        let claims = verifier.verify(token).map_err(|refused| {
            tracing::debug!(reason = %refused, "an access token was refused");
            Problem::new(ProblemCode::InvalidToken)
        })?;
        let caller = Self::from(&claims);
        request.extensions_mut().insert(caller.clone());
        Ok(caller)
    }

    fn fresh(request: &HttpRequest) -> Result<Self, Problem> {
        let caller = Self::of(request)?;
        check_fresh(request).map(|()| caller)
    }

    fn admin(request: &HttpRequest) -> Result<Self, Problem> {
        let caller = Self::of(request)?;
        if !caller.is_admin() {
            return Err(Problem::new(ProblemCode::InsufficientScope));
        }
        check_fresh(request).map(|()| caller)
    }
}

impl From<&Claims> for Caller {
    fn from(claims: &Claims) -> Self {
        let expires_at = i64::try_from(claims.exp).ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        Self {
            user_id: claims.sub,
            role: claims.role,
            session_id: claims.sid,
            expires_at: expires_at.unwrap_or(DateTime::UNIX_EPOCH),
        }
    }
}

fn check_fresh(request: &HttpRequest) -> Result<(), Problem> {
    if verifier(request)?.is_stale() { Err(Problem::new(ProblemCode::Unavailable)) } else { Ok(()) }
}

fn verifier(request: &HttpRequest) -> Result<&Verifier, Problem> {
    let verifier = request.app_data::<Data<Verifier>>();
    verifier.map(|verifier| verifier.get_ref()).ok_or_else(|| Problem::new(ProblemCode::Unavailable))
}

macro_rules! extractor {
    ($($name:ident from $of:path, $wrap:expr;)+) => {$(
        impl FromRequest for $name {
            type Error = Problem;
            type Future = Ready<Result<Self, Problem>>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                ready($of(request).map($wrap))
            }
        }
    )+};
}

extractor! {
    Caller from Caller::of, std::convert::identity;
    FreshCaller from Caller::fresh, FreshCaller;
    Admin from Caller::admin, Admin;
}
