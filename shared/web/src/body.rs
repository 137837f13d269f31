//! The body of a request. Rule: it is JSON with a matching content type, within the limit and in time, and every
//! field of it has a meaning; the hash of its bytes is kept for the idempotency record.

use crate::call::BodyDigest;
use crate::decode::{Broken, Unreadable, from_json, pointer};
use crate::edge::{BODY_BYTES, Edge};
use crate::fields::FieldError;
use crate::problem::{Problem, ProblemCode};
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::{Method, header};
use actix_web::web::{BytesMut, Data};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use aws_lc_rs::digest::{SHA256, digest};
use futures_util::StreamExt;
use futures_util::future::{FutureExt, LocalBoxFuture};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::io::ErrorKind;

/// The JSON body as a `T`, which should be `#[serde(deny_unknown_fields)]`.
#[derive(Debug)]
pub struct Body<T>(pub T);

/// The JSON body as a `T`, or nothing at all.
#[derive(Debug)]
pub struct MaybeBody<T>(pub Option<T>);

/// For an action that takes no fields: nothing is sent, or an object without any.
#[derive(Debug, Clone, Copy)]
pub struct NoBody;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoFields {}

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let accepted = check_content_type(request);
        let bytes = bytes(request, payload);
        async move {
            accepted?;
            let bytes = bytes.await?;
            from_json(&bytes).map(Self).map_err(|error| refusal(&bytes, error))
        }
        .boxed_local()
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for MaybeBody<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let accepted = check_content_type(request);
        let bytes = bytes(request, payload);
        async move {
            let bytes = bytes.await?;
            if bytes.is_empty() {
                return Ok(Self(None));
            }
            accepted?;
            from_json(&bytes).map(|body| Self(Some(body))).map_err(|error| refusal(&bytes, error))
        }
        .boxed_local()
    }
}

impl FromRequest for NoBody {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = MaybeBody::<NoFields>::from_request(request, payload);
        async move { body.await.map(|_| Self) }.boxed_local()
    }
}

/// The bytes of the body, once they are all there; their hash is noted.
fn bytes(request: &HttpRequest, payload: &mut Payload) -> impl Future<Output = Result<BytesMut, Problem>> + use<> {
    let limit = request.app_data::<Data<Edge>>().map_or(BODY_BYTES, |edge| edge.body_bytes);
    let body_digest = BodyDigest::of(request);
    let payload = payload.take();
    async move {
        let bytes = read(payload, limit).await?;
        body_digest.set(digest(&SHA256, &bytes).as_ref());
        Ok(bytes)
    }
}

fn check_content_type(request: &HttpRequest) -> Result<(), Problem> {
    let mut allowed = vec!["application/json"];
    if request.method() == Method::PATCH {
        allowed.push("application/merge-patch+json");
    }
    // A content coding would have to be undone first, and nothing here does.
    let plain = request.headers().get(header::CONTENT_ENCODING).is_none_or(|coding| coding == "identity");
    if plain && allowed.iter().any(|kind| request.content_type().eq_ignore_ascii_case(kind)) {
        return Ok(());
    }
    Err(Problem::new(ProblemCode::UnsupportedMediaType).with("allowed", allowed))
}

async fn read(mut payload: Payload, limit: usize) -> Result<BytesMut, Problem> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| interrupted(&error))?;
        if bytes.len() + chunk.len() > limit {
            return Err(too_large(limit));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// What is said of a body with more than `limit` bytes.
pub(crate) fn too_large(limit: usize) -> Problem {
    Problem::new(ProblemCode::PayloadTooLarge).detail(format!("a body may have {limit} bytes"))
}

fn interrupted(error: &PayloadError) -> Problem {
    match error {
        PayloadError::Io(error) if error.kind() == ErrorKind::TimedOut => Problem::new(ProblemCode::RequestTimeout),
        PayloadError::Overflow => Problem::new(ProblemCode::PayloadTooLarge),
        _ => Problem::new(ProblemCode::BadRequest).detail("the body ended too early"),
    }
}

fn refusal(bytes: &[u8], error: Unreadable) -> Problem {
    let error = match error {
        Unreadable::Json(_) if bytes.is_empty() => {
            return Problem::new(ProblemCode::InvalidJson).detail("the body is empty");
        }
        Unreadable::Json(why) => return Problem::new(ProblemCode::InvalidJson).detail(why),
        Unreadable::Body(error) => error,
    };
    let code = match error.broken {
        Broken::Unknown(_) => ProblemCode::UnknownField,
        Broken::Missing | Broken::Repeated | Broken::Kind(_) | Broken::Value(_) => ProblemCode::ValidationFailed,
    };
    let field = FieldError::new(pointer(&error.path()), error.code(), error.detail());
    Problem::new(code).detail("1 field is invalid").error(field)
}
