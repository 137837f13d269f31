//! What the tests stand on: an application with all layers, a clock, a signer and a source of keys.

use actix_web::body::{BoxBody, MessageBody, to_bytes};
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::web::Data;
use actix_web::{Error, HttpResponse};
use async_trait::async_trait;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use contracts::user::Role;
use contracts::{Clock, SessionId, UserId};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;
use uuid::Uuid;
use web::openapi::Operation;
use web::{
    AUDIENCE, CLIENT_ID, Claims, Edge, KeySnapshot, KeySource, KeySourceError, Revocation, Revoked, TOKEN_TYPE,
    Verifier,
};

pub(crate) const ISSUER: &str = "https://cleave.example";

#[derive(Debug)]
pub(crate) struct TestClock(Mutex<DateTime<Utc>>);

impl TestClock {
    pub(crate) fn advance(&self, by: TimeDelta) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }
}

/// A key pair that signs whatever it is told to sign.
pub(crate) struct Signer {
    pub(crate) kid: String,
    pair: EcdsaKeyPair,
}

impl Signer {
    pub(crate) fn new(kid: &str) -> Self {
        Self { kid: kid.to_owned(), pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap() }
    }

    /// The uncompressed point: 4, x, y.
    pub(crate) fn public_key(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    pub(crate) fn jwk(&self) -> Value {
        let (x, y) = self.public_key()[1..].split_at(32);
        json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.kid,
               "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y)})
    }

    pub(crate) fn header(&self) -> Value {
        json!({"typ": TOKEN_TYPE, "alg": "ES256", "kid": self.kid})
    }

    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    pub(crate) fn sign_text(&self, header: &str, claims: &str) -> String {
        let input = signing_input(header, claims);
        let signature = self.pair.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

pub(crate) fn signing_input(header: &str, claims: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

#[derive(Default)]
pub(crate) struct Source {
    pub(crate) keys: Mutex<Vec<Value>>,
    pub(crate) revocations: Mutex<Vec<Revocation>>,
    pub(crate) silent: AtomicBool,
    /// How often it was asked for its state.
    pub(crate) asked: AtomicI32,
    pub(crate) changed: Arc<Notify>,
    /// How often it was asked to look again.
    pub(crate) refetched: AtomicI32,
}

#[async_trait]
impl KeySource for Source {
    async fn snapshot(&self) -> Result<KeySnapshot, KeySourceError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.silent.load(Ordering::SeqCst) {
            return Err(KeySourceError::new("silent"));
        }
        let last_n = self.revocations.lock().unwrap().iter().map(|revocation| revocation.n).max().unwrap_or(0);
        Ok(KeySnapshot { jwks: json!({"keys": *self.keys.lock().unwrap()}).to_string(), last_n })
    }

    async fn revocations_after(&self, n: i64) -> Result<Vec<Revocation>, KeySourceError> {
        Ok(self.revocations.lock().unwrap().iter().filter(|revocation| revocation.n > n).copied().collect())
    }

    fn changed(&self) -> Arc<Notify> {
        Arc::clone(&self.changed)
    }

    async fn refetch(&self) {
        self.refetched.fetch_add(1, Ordering::SeqCst);
    }
}

pub(crate) struct World {
    pub(crate) clock: Arc<TestClock>,
    pub(crate) signer: Signer,
    pub(crate) source: Arc<Source>,
    pub(crate) verifier: Data<Verifier>,
    pub(crate) edge: Data<Edge>,
}

impl World {
    /// Keys are loaded, nothing is revoked.
    pub(crate) async fn new() -> Self {
        let world = Self::unloaded();
        world.load().await;
        world
    }

    pub(crate) fn unloaded() -> Self {
        let clock = Arc::new(TestClock(Mutex::new("2026-01-02T03:04:05.000006Z".parse().unwrap())));
        let signer = Signer::new("key-1");
        let source = Arc::new(Source::default());
        source.keys.lock().unwrap().push(signer.jwk());
        let verifier = Data::new(Verifier::new(ISSUER.to_owned(), Arc::<TestClock>::clone(&clock)));
        let edge = Data::new(Edge::new(Arc::<TestClock>::clone(&clock)));
        Self { clock, signer, source, verifier, edge }
    }

    pub(crate) async fn load(&self) {
        self.verifier.load(self.source.as_ref()).await.unwrap();
    }

    pub(crate) async fn revoke(&self, revoked: Revoked) {
        let until = self.clock.now() + TimeDelta::minutes(11);
        {
            let mut revocations = self.source.revocations.lock().unwrap();
            let n = i64::try_from(revocations.len()).unwrap() + 1;
            revocations.push(Revocation { n, revoked, until });
        }
        self.load().await;
    }

    pub(crate) fn claims(&self, user: UserId) -> Claims {
        let now = u64::try_from(self.clock.now().timestamp()).unwrap();
        Claims {
            iss: ISSUER.to_owned(),
            sub: user,
            aud: AUDIENCE.to_owned(),
            exp: now + 600,
            nbf: now,
            iat: now,
            jti: Uuid::from_u128(77),
            client_id: CLIENT_ID.to_owned(),
            sid: SessionId(Uuid::from_u128(user.uuid().as_u128() + 1000)),
            role: Role::User,
            epoch: 1,
            auth_time: now,
        }
    }

    pub(crate) fn sign(&self, claims: &Claims) -> String {
        self.signer.sign(&self.signer.header(), &json!(claims))
    }

    pub(crate) fn token(&self, user: UserId) -> String {
        self.sign(&self.claims(user))
    }

    pub(crate) fn admin_token(&self, user: UserId) -> String {
        self.sign(&Claims { role: Role::Admin, ..self.claims(user) })
    }
}

pub(crate) fn anna() -> UserId {
    UserId(Uuid::from_u128(1))
}

pub(crate) fn ben() -> UserId {
    UserId(Uuid::from_u128(2))
}

/// For routes that stand in no document.
pub(crate) fn undescribed() -> Operation {
    Operation::new("undescribed", "Something")
}

/// An application with all layers, in the order of the README.
macro_rules! application {
    ($world:expr, $($service:expr),+ $(,)?) => {
        actix_web::App::new()
            .app_data($world.verifier.clone())
            .app_data($world.edge.clone())
            .configure(web::limits)
            .wrap(actix_web::middleware::from_fn(web::middleware::body_deadline))
            .wrap(actix_web::middleware::from_fn(web::middleware::handler_deadline))
            .wrap(actix_web::middleware::from_fn(web::middleware::catch_panics))
            .wrap(actix_web::middleware::from_fn(web::middleware::preflight))
            .wrap(actix_web::middleware::from_fn(web::middleware::rate_limit))
            .wrap(actix_web::middleware::from_fn(web::middleware::body_limit))
            .wrap(actix_web::middleware::from_fn(web::middleware::problems))
            .wrap(actix_web::middleware::from_fn(web::middleware::cors))
            .wrap(actix_web::middleware::from_fn(web::middleware::security_headers))
            .wrap(actix_web::middleware::from_fn(web::middleware::request_context))
            $(.service($service))+
            .default_service(actix_web::web::to(web::not_found))
    };
}
pub(crate) use application;

/// The application without a server.
macro_rules! serve {
    ($($part:tt)+) => {
        actix_web::test::init_service(crate::world::application!($($part)+)).await
    };
}
pub(crate) use serve;

/// The application on a free port.
macro_rules! serve_on {
    ($world:expr, $($service:tt)+) => {{
        let (verifier, edge) = ($world.verifier.clone(), $world.edge.clone());
        let make = move || {
            let world = crate::world::Shared { verifier: verifier.clone(), edge: edge.clone() };
            crate::world::application!(world, $($service)+)
        };
        let server = actix_web::HttpServer::new(make).workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
        let address = server.addrs()[0];
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        (handle, address)
    }};
}
pub(crate) use serve_on;

/// What of a world every worker of a server has.
pub(crate) struct Shared {
    pub(crate) verifier: Data<Verifier>,
    pub(crate) edge: Data<Edge>,
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Whether the connection ends with it.
    pub(crate) closes: bool,
    pub(crate) headers: HeaderMap,
    /// Null for an empty body.
    pub(crate) body: Value,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Status and code, after a look at everything that a problem document must have.
    pub(crate) fn problem(&self) -> (u16, &str) {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let code = self.body["code"].as_str().unwrap();
        assert_eq!(self.body["type"], format!("/docs/errors#{code}"));
        assert_eq!(self.body["status"], self.status);
        assert_eq!(self.body["request_id"].as_str(), self.header("x-request-id"));
        assert!(self.body["title"].is_string() && self.body["instance"].is_string(), "{self:?}");
        (self.status, code)
    }

    /// Pointer and code of each invalid field.
    pub(crate) fn fields(&self) -> Vec<(&str, &str)> {
        let fields = self.body["errors"].as_array().unwrap();
        fields.iter().map(|field| (field["pointer"].as_str().unwrap(), field["code"].as_str().unwrap())).collect()
    }
}

/// Sends a request as a server would: an error of the outermost layer becomes its answer.
pub(crate) async fn ask<S, R, B>(app: &S, request: R) -> Reply
where
    S: Service<R, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    let response: HttpResponse<BoxBody> = match app.call(request).await {
        Ok(response) => response.map_into_boxed_body().into(),
        Err(error) => error.error_response(),
    };
    let (status, headers, closes) = (response.status(), response.headers().clone(), !response.keep_alive());
    let bytes = to_bytes(response.into_body()).await.unwrap();
    let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
    assert!(status != StatusCode::NO_CONTENT || body.is_null());
    Reply { status: status.as_u16(), closes, headers, body }
}
