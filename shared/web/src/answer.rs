//! Answers with a body. Rule: a single resource that is read carries its tag and may be kept by the client alone,
//! to be asked about again; what a write answers can be stored and replayed byte for byte.

use crate::etag::{etag, etag_public, is_known};
use crate::page::Page;
use crate::problem::{Problem, ProblemCode};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

/// 200 with the resource, or 304 when If-None-Match names its version.
///
/// # Errors
/// 500 when the body cannot be written as JSON.
pub fn one(request: &HttpRequest, version: i64, body: &impl Serialize) -> Result<HttpResponse, Problem> {
    tagged(request, &etag(version), body)
}

/// As [`one`], for the representation that everybody may see; its tag differs from that of the full one.
///
/// # Errors
/// As [`one`].
pub fn one_public(request: &HttpRequest, version: i64, body: &impl Serialize) -> Result<HttpResponse, Problem> {
    tagged(request, &etag_public(version), body)
}

/// 200 with a page of a list.
///
/// # Errors
/// As [`one`].
pub fn list<T: Serialize>(page: &Page<T>) -> Result<HttpResponse, Problem> {
    json(StatusCode::OK, page)
}

/// Any other JSON answer to a read.
///
/// # Errors
/// As [`one`].
pub fn json(status: StatusCode, body: &impl Serialize) -> Result<HttpResponse, Problem> {
    Answer::plain(status, body).into_response()
}

fn tagged(request: &HttpRequest, tag: &str, body: &impl Serialize) -> Result<HttpResponse, Problem> {
    let mut response = if is_known(request, tag) { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((header::ETAG, tag))
        .insert_header((header::CACHE_CONTROL, "private, no-cache"))
        .insert_header((header::VARY, "Authorization, Origin"));
    if is_known(request, tag) {
        return Ok(response.finish());
    }
    let body = serde_json::to_vec(body).map_err(|error| unwritable(&error))?;
    Ok(response.content_type("application/json").body(body))
}

fn unwritable(error: &serde_json::Error) -> Problem {
    Problem::new(ProblemCode::Internal).caused_by(error)
}

/// What a write answers.
#[derive(Debug, Clone)]
pub struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) location: Option<String>,
    pub(crate) etag: Option<String>,
    pub(crate) body: Result<Option<Vec<u8>>, Problem>,
}

impl Answer {
    /// 201 with the new resource at `location`.
    #[must_use]
    pub fn created(location: &str, version: i64, body: &impl Serialize) -> Self {
        let location = Some(location.to_owned());
        Self { location, etag: Some(etag(version)), ..Self::plain(StatusCode::CREATED, body) }
    }

    /// 200 with the resource.
    #[must_use]
    pub fn ok(version: i64, body: &impl Serialize) -> Self {
        Self { etag: Some(etag(version)), ..Self::plain(StatusCode::OK, body) }
    }

    /// 202 with the resource: what was asked for goes on in the background.
    #[must_use]
    pub fn accepted(version: i64, body: &impl Serialize) -> Self {
        Self { etag: Some(etag(version)), ..Self::plain(StatusCode::ACCEPTED, body) }
    }

    /// 204.
    #[must_use]
    pub const fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, location: None, etag: None, body: Ok(None) }
    }

    /// A body without a version.
    #[must_use]
    pub fn plain(status: StatusCode, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).map(Some).map_err(|error| unwritable(&error));
        Self { status, location: None, etag: None, body }
    }

    /// The HTTP answer.
    ///
    /// # Errors
    /// 500 when the body could not be written as JSON.
    pub fn into_response(self) -> Result<HttpResponse, Problem> {
        let body = self.body?;
        let mut response = HttpResponse::build(self.status);
        let headers: [(HeaderName, Option<String>); 2] = [(header::LOCATION, self.location), (header::ETAG, self.etag)];
        for (name, value) in headers {
            if let Some(value) = value {
                response.insert_header((name, value));
            }
        }
        Ok(match body {
            Some(body) => response.content_type("application/json").body(body),
            None => response.finish(),
        })
    }
}
