//! The public keys. Rule: a key has one algorithm, ES256, whatever a token's header says; a symmetric key is never
//! taken, because whoever can read it could sign with it.

use super::source::KeySourceError;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;

/// The largest JWKS document, in bytes.
const MAX_DOCUMENT: usize = 64 * 1024;
/// The most keys.
const MAX_KEYS: usize = 16;

/// Keys by their id.
#[derive(Default)]
pub(super) struct Keys {
    document: String,
    keys: HashMap<String, DecodingKey>,
}

/// Read one by one: a key of a kind that nobody knows yet must not take the others along.
#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

impl Keys {
    /// The usable keys of a JWKS document; others in it are passed over.
    pub(super) fn parse(document: String) -> Result<Self, KeySourceError> {
        if document.len() > MAX_DOCUMENT {
            return Err(KeySourceError::new("the JWKS document is too large"));
        }
        let Document { keys } = serde_json::from_str(&document).map_err(KeySourceError::new)?;
        let keys: HashMap<_, _> = keys.into_iter().take(MAX_KEYS).filter_map(usable).collect();
        if keys.is_empty() {
            return Err(KeySourceError::new("the JWKS document has no usable key"));
        }
        Ok(Self { document, keys })
    }

    pub(super) fn is_of(&self, document: &str) -> bool {
        self.document == document
    }

    pub(super) fn get(&self, kid: &str) -> Option<&DecodingKey> {
        self.keys.get(kid)
    }
}

fn usable(jwk: Value) -> Option<(String, DecodingKey)> {
    let jwk: Jwk = serde_json::from_value(jwk).ok()?;
    let kid = jwk.common.key_id.clone()?;
    let for_es256 = jwk.common.key_algorithm == Some(KeyAlgorithm::ES256);
    let for_signing = matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
    let on_p256 =
        matches!(&jwk.algorithm, AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256);
    let key = (for_es256 && for_signing && on_p256).then(|| DecodingKey::from_jwk(&jwk).ok())??;
    Some((kid, key))
}
