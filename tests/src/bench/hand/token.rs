//! The token of each request, verified each time. Rule: what Cleave looks at is looked at: kind, key, signature, issuer,
//! audience, times and client.

use crate::bench::cleave::ISSUER;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use std::collections::HashMap;
use uuid::Uuid;

/// Seconds by which clocks may differ.
const LEEWAY: u64 = 5;

/// Who asks.
pub(super) struct Caller {
    pub(super) id: Uuid,
    pub(super) is_admin: bool,
}

/// The keys, and what a token must say.
pub(super) struct Verifier {
    keys: HashMap<String, DecodingKey>,
    validation: Validation,
}

#[derive(Deserialize)]
struct Claims {
    sub: Uuid,
    role: String,
    client_id: String,
    #[serde(rename = "jti")]
    _jti: Uuid,
    #[serde(rename = "sid")]
    _sid: Uuid,
    #[serde(rename = "epoch")]
    _epoch: i32,
}

impl Verifier {
    pub(super) fn new(keys: &str) -> Self {
        // Installed already by another worker is as good.
        let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        let keys: JwkSet = serde_json::from_str(keys).expect("the keys");
        let named = |jwk: &jsonwebtoken::jwk::Jwk| Some((jwk.common.key_id.clone()?, DecodingKey::from_jwk(jwk).ok()?));
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&["cleave"]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY;
        Self { keys: keys.keys.iter().filter_map(named).collect(), validation }
    }

    /// Whose it is, if it is good.
    pub(super) fn verify(&self, token: &str) -> Option<Caller> {
        let header = decode_header(token).ok()?;
        if header.typ.as_deref() != Some("at+jwt") {
            return None;
        }
        let claims = decode::<Claims>(token, self.keys.get(header.kid.as_deref()?)?, &self.validation).ok()?.claims;
        (claims.client_id == "first-party").then(|| Caller { id: claims.sub, is_admin: claims.role == "admin" })
    }
}
