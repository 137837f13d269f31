//! The query string. Rule: a parameter that has no meaning is refused and never ignored, so a misspelt filter cannot
//! answer with everything.

use crate::decode::{Broken, DecodeError, from_pairs, pairs};
use crate::page::Paging;
use crate::problem::{Problem, ProblemCode};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::future::{Ready, ready};
use strsim::osa_distance;

/// The query parameters of an endpoint that is not a list. `T` should be `#[serde(deny_unknown_fields)]`.
#[derive(Debug)]
pub struct Params<T>(pub T);

/// The query parameters of a list with one order: `T` has the filters alone; `limit` and `cursor` are in `paging`.
#[derive(Debug)]
pub struct Listing<T> {
    /// The filters. `T` should be `#[serde(deny_unknown_fields)]`.
    pub filters: T,
    /// Where in the list.
    pub paging: Paging,
}

/// The query parameters of a list that the client may sort: as [`Listing`], and `sort`.
#[derive(Debug)]
pub struct SortedListing<T> {
    /// The filters. `T` should be `#[serde(deny_unknown_fields)]`.
    pub filters: T,
    /// Where in the list, and in which order.
    pub paging: Paging,
}

/// For an endpoint without parameters: `Params<NoParams>`, or a list without filters: `Listing<NoParams>`.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoParams {}

impl<T: DeserializeOwned + 'static> FromRequest for Params<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let read = pairs(request.query_string()).and_then(from_pairs);
        ready(read.map(Self).map_err(|error| refusal(&error, &[])))
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Listing<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request, request.path()))
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for SortedListing<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let read = read(request, request.path(), Paging::SORTED);
        ready(read.map(|(filters, paging)| Self { filters, paging }))
    }
}

impl<T: DeserializeOwned> Listing<T> {
    /// For a list that has several addresses: what is asked of the one called `list`, so that a cursor from one of its
    /// addresses is good at the others.
    ///
    /// # Errors
    /// 400 `unknown_parameter`, `invalid_parameter`.
    pub fn of(request: &HttpRequest, list: &str) -> Result<Self, Problem> {
        let (filters, paging) = read(request, list, Paging::PARAMETERS)?;
        Ok(Self { filters, paging })
    }
}

/// Filters and paging; `own` are the parameters that every list of its kind has.
fn read<T: DeserializeOwned>(request: &HttpRequest, list: &str, own: &[&str]) -> Result<(T, Paging), Problem> {
    let refused = |error: DecodeError| refusal(&error, own);
    let pairs = pairs(request.query_string()).map_err(refused)?;
    let (paging, filters) = pairs.into_iter().partition(|(name, _)| own.contains(&name.as_str()));
    let paging = Paging::read(list, paging, &filters)?;
    Ok((from_pairs(filters).map_err(refused)?, paging))
}

fn refusal(error: &DecodeError, more: &[&str]) -> Problem {
    let name = error.path().into_iter().next().unwrap_or_default();
    match error.broken {
        Broken::Unknown(known) => unknown(&name, known.iter().chain(more).copied().collect()),
        _ => invalid(&name, &error.detail()),
    }
}

/// 400 `unknown_parameter`, with the one that was probably meant.
fn unknown(name: &str, known: Vec<&str>) -> Problem {
    let name = shortened(name);
    let refused = format!("`{name}` is not a parameter of this endpoint");
    let problem = Problem::new(ProblemCode::UnknownParameter).with("parameter", name.clone());
    match nearest(&name, &known) {
        Some(nearest) => {
            let nearest = nearest.to_owned();
            problem.detail(format!("{refused}; did you mean `{nearest}`?")).with("nearest", nearest)
        }
        None => problem.detail(format!("{refused}, which has none")),
    }
    .with("allowed", known)
}

/// The known name that the fewest mistakes lead to; of several the first.
fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    known.iter().copied().min_by_key(|known| osa_distance(name, known))
}

/// 400 `invalid_parameter`.
pub(crate) fn invalid(name: &str, detail: &str) -> Problem {
    Problem::new(ProblemCode::InvalidParameter)
        .detail(format!("`{}` {detail}", shortened(name)))
        .with("parameter", shortened(name))
}

/// A client's own text, long enough to be recognised.
fn shortened(name: &str) -> String {
    name.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_that_was_probably_meant_is_found() {
        let known = ["status", "priority", "assignee_id", "creator_id", "limit", "cursor"];
        for (typed, meant) in [
            ("asignee_id", "assignee_id"),
            ("assignee", "assignee_id"),
            ("statsu", "status"),
            ("Limit", "limit"),
            ("creator", "creator_id"),
        ] {
            assert_eq!(nearest(typed, &known), Some(meant), "{typed}");
        }
        assert_eq!(nearest("limit", &[]), None);
    }
}
