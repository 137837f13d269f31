//! Problem documents (RFC 9457). Rule: whatever refuses a request, in whatever layer, answers with one of these; what
//! the client reads (`detail`, `errors`) and what the log reads (the cause) are different fields.

mod code;
mod from_db;

pub use code::ProblemCode;

use crate::fields::FieldError;
use actix_web::body::BoxBody;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{ConnectionType, StatusCode};
use actix_web::{HttpRequest, HttpResponse, Responder, ResponseError};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use std::error::Error;
use std::fmt;

/// The media type of a problem document.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// An answer that refuses.
#[derive(Debug, Clone)]
pub struct Problem(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    code: ProblemCode,
    detail: Option<String>,
    errors: Vec<FieldError>,
    members: Vec<(&'static str, Value)>,
    headers: Vec<(HeaderName, HeaderValue)>,
    closes: bool,
    cause: Option<String>,
    instance: Option<String>,
    request_id: Option<String>,
}

impl Problem {
    /// A problem of that kind, with the headers that belong to its status.
    #[must_use]
    pub fn new(code: ProblemCode) -> Self {
        let problem = Self(Box::new(Parts {
            code,
            detail: None,
            errors: Vec::new(),
            members: Vec::new(),
            headers: Vec::new(),
            closes: false,
            cause: None,
            instance: None,
            request_id: None,
        }));
        match code {
            ProblemCode::InvalidToken => problem.challenge("Bearer error=\"invalid_token\""),
            ProblemCode::InsufficientScope => problem.challenge("Bearer error=\"insufficient_scope\""),
            ProblemCode::Unavailable | ProblemCode::OutcomeUnknown | ProblemCode::IdempotencyInFlight => {
                problem.retry_after(1)
            }
            // The rest of the request is still on its way and will not be read.
            ProblemCode::PayloadTooLarge | ProblemCode::RequestTimeout => problem.closing(),
            _ if code.status() == StatusCode::UNAUTHORIZED => problem.challenge("Bearer"),
            _ => problem,
        }
    }

    /// What is particular to this occurrence, for people. Nothing about the inside of the server.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// An extension member such as `allowed` or `current_etag`.
    #[must_use]
    pub fn with(mut self, member: &'static str, value: impl Into<Value>) -> Self {
        self.0.members.push((member, value.into()));
        self
    }

    /// One invalid field.
    #[must_use]
    pub fn error(mut self, error: FieldError) -> Self {
        self.0.errors.push(error);
        self
    }

    /// A response header; a value that is none is left out.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.headers.retain(|(present, _)| *present != name);
            self.0.headers.push((name, value));
        }
        self
    }

    /// Tells the client when to come again, in seconds.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        self.header(header::RETRY_AFTER, &seconds.to_string())
    }

    /// What the log is to know, with all its sources. Never sent.
    #[must_use]
    pub fn caused_by(mut self, cause: &(dyn Error + 'static)) -> Self {
        let mut chain = cause.to_string();
        let mut next = cause.source();
        while let Some(source) = next {
            chain.push_str(": ");
            chain.push_str(&source.to_string());
            next = source.source();
        }
        self.0.cause = Some(chain);
        self
    }

    /// Where it happened: `instance` and `request_id`. The middleware `problems` fills them in.
    #[must_use]
    pub fn at(mut self, instance: &str, request_id: Option<&str>) -> Self {
        self.0.instance = Some(instance.to_owned());
        self.0.request_id = request_id.map(str::to_owned);
        self
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> ProblemCode {
        self.0.code
    }

    /// What [`Problem::caused_by`] noted.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// The invalid fields.
    #[must_use]
    pub fn errors(&self) -> &[FieldError] {
        &self.0.errors
    }

    fn challenge(self, challenge: &str) -> Self {
        self.header(header::WWW_AUTHENTICATE, challenge)
    }

    fn closing(mut self) -> Self {
        self.0.closes = true;
        self
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Parts { code, detail, errors, members, instance, request_id, .. } = &*self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &format!("/docs/errors#{}", code.as_str()))?;
        map.serialize_entry("title", code.title())?;
        map.serialize_entry("status", &code.status().as_u16())?;
        if let Some(detail) = detail {
            map.serialize_entry("detail", detail)?;
        }
        if let Some(instance) = instance {
            map.serialize_entry("instance", instance)?;
        }
        map.serialize_entry("code", code.as_str())?;
        if let Some(request_id) = request_id {
            map.serialize_entry("request_id", request_id)?;
        }
        for (member, value) in members {
            map.serialize_entry(member, value)?;
        }
        if !errors.is_empty() {
            map.serialize_entry("errors", errors)?;
        }
        map.end()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0.code.status().as_u16(), self.0.code.as_str())?;
        self.0.detail.as_ref().map_or(Ok(()), |detail| write!(f, ": {detail}"))
    }
}

impl Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.0.code.status()
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut builder = HttpResponse::build(self.status_code());
        builder.content_type(PROBLEM_JSON);
        for header in &self.0.headers {
            builder.insert_header(header.clone());
        }
        // No member can fail to serialize: names are texts and values are JSON already.
        let mut response = builder.body(serde_json::to_vec(self).unwrap_or_default());
        if self.0.closes {
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
        response.extensions_mut().insert(self.clone());
        response
    }
}

impl From<Problem> for HttpResponse {
    fn from(problem: Problem) -> Self {
        problem.error_response()
    }
}

impl Responder for Problem {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse<BoxBody> {
        self.error_response()
    }
}
