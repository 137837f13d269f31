//! The id in a path. Rule: what cannot be an id cannot exist, so it is 404 and not 400.

use crate::problem::{Problem, ProblemCode};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use std::fmt::Display;
use std::future::{Ready, ready};
use std::str::FromStr;

/// The segment `{id}` of the route.
#[derive(Debug, Clone, Copy)]
pub struct Id<T>(pub T);

impl<T: FromStr + Display> FromRequest for Id<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(request.match_info().get("id").unwrap_or_default()).map(Self))
    }
}

/// One resource has one address: of the many ways to write a UUID only the hyphenated is one.
fn parse<T: FromStr + Display>(text: &str) -> Result<T, Problem> {
    let parsed = text.parse::<T>().ok().filter(|id| id.to_string().eq_ignore_ascii_case(text));
    parsed.ok_or_else(|| Problem::new(ProblemCode::NotFound))
}
