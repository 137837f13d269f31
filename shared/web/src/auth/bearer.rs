//! The header `Authorization`. Rule: a token is taken from there and from nowhere else.

use crate::problem::{Problem, ProblemCode};
use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;

/// The bearer token of a request.
///
/// # Errors
/// 401 `unauthorized` without credentials or with those of another scheme; 401 `invalid_token` when they are given
/// twice or are no text.
pub(super) fn token(request: &HttpRequest) -> Result<&str, Problem> {
    let mut values = request.headers().get_all(AUTHORIZATION);
    let Some(value) = values.next() else { return Err(Problem::new(ProblemCode::Unauthorized)) };
    if values.next().is_some() {
        return Err(Problem::new(ProblemCode::InvalidToken));
    }
    let value = value.to_str().map_err(|_| Problem::new(ProblemCode::InvalidToken))?;
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim_start_matches(' ')),
        _ if value.eq_ignore_ascii_case("bearer") => Err(Problem::new(ProblemCode::InvalidToken)),
        _ => Err(Problem::new(ProblemCode::Unauthorized)),
    }
}
