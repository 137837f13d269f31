//! Everything a write needs to know of its request besides the body. Rule: a handler asks for one `Call`; it never
//! reads a header by itself.

use crate::auth::Caller;
use crate::client_address::client_address;
use crate::etag::IfMatch;
use crate::idempotency::Key;
use crate::limit::Network;
use crate::middleware::RequestContext;
use crate::problem::{Problem, ProblemCode};
use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use db::Context;
use std::future::{Ready, ready};
use std::sync::{Arc, OnceLock};

/// A write by somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Call {
    /// Who asks.
    pub caller: Caller,
    /// What the transaction is to know: caller, correlation, trace.
    pub context: Context,
    /// The versions on which the caller insists.
    pub if_match: IfMatch,
    /// From where.
    pub network: Network,
    asked: Asked,
    secret: Option<[u8; 32]>,
}

/// A write by somebody who is not signed in: register. It becomes a command with [`OpenCall::with_secret`].
#[derive(Debug, Clone)]
pub struct OpenCall {
    /// What the transaction is to know: correlation, trace.
    pub context: Context,
    /// From where.
    pub network: Network,
    asked: Asked,
}

/// An [`OpenCall`] whose request is remembered under a secret.
#[derive(Debug, Clone)]
pub struct SecretCall {
    context: Context,
    asked: Asked,
    secret: [u8; 32],
}

/// What a command needs of the call it belongs to.
pub trait Command {
    /// What the transaction is to know.
    fn context(&self) -> &Context;

    /// Where the answer is remembered; none where the client sent no Idempotency-Key.
    fn key(&self) -> Option<Key>;
}

impl Call {
    /// Remembers the request under a secret: for bodies that hold a password.
    #[must_use]
    pub const fn with_secret(mut self, secret: &[u8; 32]) -> Self {
        self.secret = Some(*secret);
        self
    }

    fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let caller = Caller::of(request)?;
        let context = context(request, Some(&caller));
        let (asked, if_match) = (Asked::of(request)?, IfMatch::of(request)?);
        Ok(Self { caller, context, if_match, network: network(request), asked, secret: None })
    }
}

impl OpenCall {
    /// The request as a command. Its hash stands for the caller; it is an HMAC under `secret`, because the request
    /// holds a password.
    #[must_use]
    pub fn with_secret(self, secret: &[u8; 32]) -> SecretCall {
        SecretCall { context: self.context, asked: self.asked, secret: *secret }
    }
}

impl Command for Call {
    fn context(&self) -> &Context {
        &self.context
    }

    fn key(&self) -> Option<Key> {
        self.asked.key(|_| self.caller.user_id.to_string(), self.secret.as_ref())
    }
}

impl Command for SecretCall {
    fn context(&self) -> &Context {
        &self.context
    }

    fn key(&self) -> Option<Key> {
        self.asked.key(|hash| format!("request:{}", hexadecimal(hash)), Some(&self.secret))
    }
}

impl FromRequest for Call {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

impl FromRequest for OpenCall {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let network = network(request);
        ready(Asked::of(request).map(|asked| Self { context: context(request, None), network, asked }))
    }
}

fn network(request: &HttpRequest) -> Network {
    Network::of(client_address(request))
}

fn context(request: &HttpRequest, caller: Option<&Caller>) -> Context {
    let extensions = request.extensions();
    let traced = extensions.get::<RequestContext>();
    Context {
        caller: caller.map(|caller| caller.user_id),
        correlation_id: traced.map(|traced| traced.request_id.clone()),
        causation_id: None,
        traceparent: traced.map(|traced| traced.traceparent.clone()),
    }
}

/// The request as the idempotency record knows it.
#[derive(Debug, Clone)]
struct Asked {
    scope: String,
    idempotency_key: Option<String>,
    body: BodyDigest,
}

impl Asked {
    fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let scope = format!("{} {}", request.method(), request.path());
        Ok(Self { scope, idempotency_key: idempotency_key(request)?, body: BodyDigest::of(request) })
    }

    fn key(&self, caller: impl FnOnce(&[u8]) -> String, secret: Option<&[u8; 32]>) -> Option<Key> {
        let key = self.idempotency_key.clone()?;
        let body = self.body.get();
        let request_hash = match secret {
            Some(secret) => hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), &body).as_ref().to_vec(),
            None => body,
        };
        Some(Key { caller: caller(&request_hash), scope: self.scope.clone(), key, request_hash })
    }
}

/// PUT and DELETE are idempotent by themselves; the header means nothing there.
fn idempotency_key(request: &HttpRequest) -> Result<Option<String>, Problem> {
    if request.method() != Method::POST && request.method() != Method::PATCH {
        return Ok(None);
    }
    let mut values = request.headers().get_all("idempotency-key");
    let Some(value) = values.next() else { return Ok(None) };
    let fits = (1..=255).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_graphic);
    match value.to_str() {
        Ok(text) if fits && values.next().is_none() => Ok(Some(text.to_owned())),
        _ => Err(Problem::new(ProblemCode::InvalidHeader)
            .detail("Idempotency-Key must stand once and have 1 to 255 visible ASCII characters")),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The hash of the body, shared between the extractor that reads the body and the one that needs the hash, whichever
/// comes first.
#[derive(Debug, Clone, Default)]
pub(crate) struct BodyDigest(Arc<OnceLock<Vec<u8>>>);

impl BodyDigest {
    pub(crate) fn of(request: &HttpRequest) -> Self {
        let mut extensions = request.extensions_mut();
        if let Some(present) = extensions.get::<Self>() {
            return present.clone();
        }
        let new = Self::default();
        extensions.insert(new.clone());
        new
    }

    pub(crate) fn set(&self, digest: &[u8]) {
        self.0.get_or_init(|| digest.to_vec());
    }

    /// That of an empty body where none was read.
    fn get(&self) -> Vec<u8> {
        self.0.get().cloned().unwrap_or_else(|| digest(&SHA256, b"").as_ref().to_vec())
    }
}
