//! Access tokens without a user domain. Rule: they are real ones, signed by a key of the testkit's own and verified
//! by the routine that verifies all others.

use async_trait::async_trait;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use contracts::user::Role;
use contracts::{Clock, SessionId, UserId};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;
use uuid::Uuid;
use web::{AUDIENCE, CLIENT_ID, Claims, KeySnapshot, KeySource, KeySourceError, Revocation, Revoked, TOKEN_TYPE};

/// The life of its tokens, in seconds.
const LIFE: u64 = 600;

/// Signs tokens, and tells verifiers its public key and what it revoked.
pub struct TokenSource {
    issuer: String,
    clock: Arc<dyn Clock>,
    key: EncodingKey,
    jwks: String,
    revocations: Mutex<Vec<Revocation>>,
    changed: Arc<Notify>,
}

impl TokenSource {
    /// A source with a fresh key, for the issuer whom the system under test believes.
    #[must_use]
    pub fn new(issuer: &str, clock: Arc<dyn Clock>) -> Self {
        web::install_crypto();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref()).expect("the same key");
        // 0x04, then x and y of 32 bytes each: SEC 1, section 2.3.3.
        let point = pair.public_key().as_ref();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..65]));
        let key = json!({"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": "testkit", "alg": "ES256", "use": "sig"});
        Self {
            issuer: issuer.to_owned(),
            clock,
            key: EncodingKey::from_ec_der(pkcs8.as_ref()),
            jwks: json!({ "keys": [key] }).to_string(),
            revocations: Mutex::default(),
            changed: Arc::default(),
        }
    }

    /// A good token for that user, in a session of its own.
    #[must_use]
    pub fn token(&self, user: UserId, role: Role) -> String {
        self.sign(&self.claims(user, role))
    }

    /// The claims of a good token, to be bent by a test.
    #[must_use]
    pub fn claims(&self, user: UserId, role: Role) -> Claims {
        let now = u64::try_from(self.clock.now().timestamp()).expect("after 1970");
        Claims {
            iss: self.issuer.clone(),
            sub: user,
            aud: AUDIENCE.to_owned(),
            exp: now + LIFE,
            nbf: now,
            iat: now,
            jti: random_id(),
            client_id: CLIENT_ID.to_owned(),
            sid: SessionId(random_id()),
            role,
            epoch: 0,
            auth_time: now,
        }
    }

    /// Signs claims, good or not.
    #[must_use]
    pub fn sign(&self, claims: &Claims) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some(TOKEN_TYPE.to_owned());
        header.kid = Some("testkit".to_owned());
        encode(&header, claims, &self.key).expect("a token")
    }

    /// Ends a session.
    pub fn revoke(&self, session: SessionId) {
        let mut revocations = self.revocations.lock().unwrap();
        let n = i64::try_from(revocations.len()).unwrap() + 1;
        let until = self.clock.now() + chrono::TimeDelta::hours(1);
        revocations.push(Revocation { n, revoked: Revoked::Session(session), until });
        self.changed.notify_waiters();
    }
}

#[async_trait]
impl KeySource for TokenSource {
    async fn snapshot(&self) -> Result<KeySnapshot, KeySourceError> {
        let last_n = self.revocations.lock().unwrap().last().map_or(0, |newest| newest.n);
        Ok(KeySnapshot { jwks: self.jwks.clone(), last_n })
    }

    async fn revocations_after(&self, n: i64) -> Result<Vec<Revocation>, KeySourceError> {
        Ok(self.revocations.lock().unwrap().iter().filter(|revocation| revocation.n > n).cloned().collect())
    }

    fn changed(&self) -> Arc<Notify> {
        Arc::clone(&self.changed)
    }
}

/// An id of no particular time.
pub(crate) fn random_id() -> Uuid {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).expect("random bytes");
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}
