//! A domain that does next to nothing, its keys, and a client.

use actix_web::HttpResponse;
use async_trait::async_trait;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use runtime::{Config, Module, Mounted, Server};
use sea_orm_migration::{MigrationTrait, MigratorTrait};
use serde_json::{Value, json};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::Notify;
use web::openapi::Operation;
use web::{At, KeySnapshot, KeySource, KeySourceError, Revocation};

pub struct Messaging;

impl MigratorTrait for Messaging {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        migration_messaging::migrations()
    }
}

/// One public key, made anew; nobody signs with it.
struct Keys(String);

#[async_trait]
impl KeySource for Keys {
    async fn snapshot(&self) -> Result<KeySnapshot, KeySourceError> {
        Ok(KeySnapshot { jwks: self.0.clone(), last_n: 0 })
    }

    async fn revocations_after(&self, _: i64) -> Result<Vec<Revocation>, KeySourceError> {
        Ok(Vec::new())
    }

    fn changed(&self) -> Arc<Notify> {
        Arc::new(Notify::new())
    }
}

fn keys() -> Arc<dyn KeySource> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let point = pair.public_key().as_ref();
    let coordinate = |range| URL_SAFE_NO_PAD.encode(&point[range]);
    let key = json!({
        "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "test",
        "x": coordinate(1..33), "y": coordinate(33..65),
    });
    Arc::new(Keys(json!({ "keys": [key] }).to_string()))
}

/// `GET /api/v1/<name>` answers with the name.
pub fn domain(name: &'static str, prefixes: &'static [&'static str]) -> Module {
    with(name, prefixes, move || {
        Mounted::new().routes(move |config| {
            config.service(
                At::new(prefixes[0])
                    .get(move || async move { HttpResponse::Ok().body(name) }, Operation::new("get", "Its name")),
            );
        })
    })
}

/// A domain that brings what `mounted` makes.
pub fn with(
    name: &'static str,
    prefixes: &'static [&'static str],
    mounted: impl Fn() -> Mounted + Send + Sync + 'static,
) -> Module {
    Module::new(name).prefixes(prefixes).migrations::<Messaging>().mount(move |_| {
        let mounted = mounted();
        Box::pin(async { Ok(mounted) })
    })
}

/// A directory and the settings of a process on it.
pub fn place() -> (TempDir, Config) {
    let directory = tempfile::tempdir().unwrap();
    let mut config = Config::embedded(directory.path().join("data"));
    config.seams.key_source = Some(keys());
    (directory, config)
}

/// For a test that takes the same port twice, or counts who comes: the `nth` address of this machine, on which no test
/// beside it picks a port, and nobody looks for a process that has gone.
pub fn own_address(config: &mut Config, nth: u8) {
    if cfg!(target_os = "linux") {
        config.host = format!("127.0.0.{nth}");
    }
}

pub async fn refusal(config: Config, modules: Vec<Module>) -> String {
    let error = runtime::serve(config, modules).await.expect_err("this start must be refused").to_string();
    assert!(!error.contains('\n'), "one line: {error}");
    error
}

/// What a request got: status, headers, and the body as JSON, or as a text where it is none.
pub struct Reply {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Reply {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub fn client() -> reqwest::Client {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

pub async fn get(server: &Server, path: &str) -> Reply {
    send(client().get(format!("http://{}{path}", server.address()))).await
}

pub async fn send(request: reqwest::RequestBuilder) -> Reply {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Reply { status, headers, body }
}
