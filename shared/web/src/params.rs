//! The query string. Rule: a parameter that has no meaning is refused and never ignored, so a misspelt filter cannot
//! answer with everything.

use crate::decode::{Broken, DecodeError, from_pairs, pairs};
use crate::page::Paging;
use crate::problem::{Problem, ProblemCode};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::future::{Ready, ready};

/// The query parameters of an endpoint that is not a list. `T` should be `#[serde(deny_unknown_fields)]`.
#[derive(Debug)]
pub struct Params<T>(pub T);

/// The query parameters of a list: `T` has the filters alone; `limit`, `cursor` and `sort` are in `paging`.
#[derive(Debug)]
pub struct Listing<T> {
    /// The filters. `T` should be `#[serde(deny_unknown_fields)]`.
    pub filters: T,
    /// Where in the list, and in which order.
    pub paging: Paging,
}

/// For an endpoint without parameters: `Params<NoParams>`, or a list without filters: `Listing<NoParams>`.
#[derive(Debug, Clone, Copy, Deserialize)]
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
        ready(Self::read(request, request.path()))
    }
}

impl<T: DeserializeOwned> Listing<T> {
    /// For a list that has several addresses: what is asked of the one called `list`, so that a cursor from one of its
    /// addresses is good at the others.
    ///
    /// # Errors
    /// 400 `unknown_parameter`, `invalid_parameter`.
    pub fn of(request: &HttpRequest, list: &str) -> Result<Self, Problem> {
        Self::read(request, list)
    }

    fn read(request: &HttpRequest, list: &str) -> Result<Self, Problem> {
        let refused = |error: DecodeError| refusal(&error, Paging::PARAMETERS);
        let pairs = pairs(request.query_string()).map_err(refused)?;
        let (paging, filters) = pairs.into_iter().partition(|(name, _)| Paging::PARAMETERS.contains(&name.as_str()));
        let paging = Paging::read(list, paging, &filters)?;
        Ok(Self { filters: from_pairs(filters).map_err(refused)?, paging })
    }
}

fn refusal(error: &DecodeError, more: &[&str]) -> Problem {
    let name = error.path().into_iter().next().unwrap_or_default();
    match error.broken {
        Broken::Unknown(known) => unknown(&name, known.iter().chain(more).copied()),
        _ => invalid(&name, &error.detail()),
    }
}

/// 400 `unknown_parameter`.
pub(crate) fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Problem {
    Problem::new(ProblemCode::UnknownParameter)
        .detail(format!("`{}` is not a parameter of this endpoint", shortened(name)))
        .with("parameter", shortened(name))
        .with("allowed", known.collect::<Vec<_>>())
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
