//! The keys of access tokens (ES256). Rule: exactly one key signs; a private part is in the store only sealed, in
//! memory only here, and in no document at all; and only what opened is published, so that a row which somebody else
//! wrote makes nobody's tokens good.

use super::{CryptoError, Sealer};
use crate::domain::{KeyLife, KeyState};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::errors::Error as JwtError;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// A signing key as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct StoredKey {
    pub(crate) life: KeyLife,
    pub(crate) public_jwk: String,
    pub(crate) private_ct: Vec<u8>,
}

/// A key pair that is to be stored.
#[derive(Debug, Clone)]
pub(crate) struct FreshKey {
    pub(crate) kid: String,
    pub(crate) public_jwk: String,
    pub(crate) private_ct: Vec<u8>,
}

/// Why the stored keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyRingError {
    #[error("no signing key is active")]
    NoneActive,
    #[error("more than one signing key is active")]
    SeveralActive,
    #[error("signing key {kid} does not open with the present CLEAVE_KEYS_SECRET; give the secret it was made with")]
    Sealed { kid: String },
    #[error("signing key {kid} is no P-256 key, or its public part does not belong to it")]
    Mismatch { kid: String },
    #[error("a signing key could not be read or made")]
    Jwt(#[from] JwtError),
    #[error("a signing key could not be made")]
    Crypto(#[from] CryptoError),
}

/// The keys of this process.
pub(crate) struct KeyRing {
    kid: String,
    signer: EncodingKey,
    verifiers: Vec<(String, DecodingKey)>,
    document: String,
}

impl FreshKey {
    pub(crate) fn generate(sealer: &Sealer) -> Result<Self, KeyRingError> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(CryptoError::from)?;
        let private = pair.to_pkcs8v1().map_err(CryptoError::from)?;
        let jwk = public_jwk(&EncodingKey::from_ec_der(private.as_ref()))?;
        let kid = jwk.common.key_id.clone().unwrap_or_default();
        let private_ct = sealer.seal(private.as_ref(), kid.as_bytes())?;
        Ok(Self { public_jwk: json!(jwk).to_string(), kid, private_ct })
    }
}

impl KeyRing {
    /// Opens every stored key, also those that do not sign: a key that cannot be opened must stop the start and not
    /// the rotation a month later.
    pub(crate) fn open(stored: &[StoredKey], sealer: &Sealer) -> Result<Self, KeyRingError> {
        let mut active = None;
        let (mut verifiers, mut public) = (Vec::new(), Vec::new());
        for StoredKey { life, public_jwk, private_ct } in stored {
            let kid = || life.kid.clone();
            let private =
                sealer.open(private_ct, life.kid.as_bytes()).map_err(|_| KeyRingError::Sealed { kid: kid() })?;
            let signer = EncodingKey::from_ec_der(&private);
            let derived = self::public_jwk(&signer).map_err(|_| KeyRingError::Mismatch { kid: kid() })?;
            if derived.common.key_id.as_deref() != Some(&life.kid)
                || serde_json::from_str::<Value>(public_jwk).ok() != Some(json!(derived))
            {
                return Err(KeyRingError::Mismatch { kid: kid() });
            }
            verifiers.push((kid(), DecodingKey::from_jwk(&derived)?));
            public.push(derived);
            if life.state == KeyState::Active && active.replace((kid(), signer)).is_some() {
                return Err(KeyRingError::SeveralActive);
            }
        }
        let (kid, signer) = active.ok_or(KeyRingError::NoneActive)?;
        Ok(Self { kid, signer, verifiers, document: json!({ "keys": public }).to_string() })
    }

    /// The document of public keys: of the next one, the one that signs, and those whose tokens may still be around.
    pub(crate) fn jwks(&self) -> &str {
        &self.document
    }

    pub(crate) fn sign(&self, claims: &impl Serialize) -> Result<String, KeyRingError> {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some(web::TOKEN_TYPE.to_owned());
        header.kid = Some(self.kid.clone());
        Ok(jsonwebtoken::encode(&header, claims, &self.signer)?)
    }

    /// What a token says that one of these keys signed, whatever its instants are.
    pub(crate) fn open_signed<T: DeserializeOwned + Clone>(&self, token: &str) -> Option<T> {
        let header =
            jsonwebtoken::decode_header(token).ok().filter(|header| header.typ.as_deref() == Some(web::TOKEN_TYPE))?;
        let (_, key) = self.verifiers.iter().find(|(kid, _)| Some(kid) == header.kid.as_ref())?;
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&[web::AUDIENCE]);
        // Time is read from the clock that the caller has, not from the system's.
        validation.validate_exp = false;
        jsonwebtoken::decode(token, key, &validation).ok().map(|signed| signed.claims)
    }
}

fn public_jwk(key: &EncodingKey) -> Result<Jwk, KeyRingError> {
    let mut jwk = Jwk::from_encoding_key(key, Algorithm::ES256)?;
    let p256 = matches!(&jwk.algorithm, AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P256);
    if !p256 {
        return Err(KeyRingError::Mismatch { kid: String::new() });
    }
    jwk.common.key_id = Some(jwk.thumbprint(ThumbprintHash::SHA256)?);
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    Ok(jwk)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::ECDSA_P384_SHA384_FIXED_SIGNING;
    use jsonwebtoken::{DecodingKey, Validation};

    fn sealer() -> Sealer {
        web::install_crypto();
        Sealer::new(b"0123456789abcdef0123456789abcdef", "signing keys").unwrap()
    }

    fn stored(key: &FreshKey, is_active: bool) -> StoredKey {
        let FreshKey { kid, public_jwk, private_ct } = key.clone();
        let state = if is_active { KeyState::Active } else { KeyState::Next };
        StoredKey { life: KeyLife { kid, state, since: chrono::DateTime::UNIX_EPOCH }, public_jwk, private_ct }
    }

    #[test]
    fn a_token_of_the_active_key_is_verified_with_the_published_one() {
        let sealer = sealer();
        let (active, next) = (FreshKey::generate(&sealer).unwrap(), FreshKey::generate(&sealer).unwrap());
        let ring = KeyRing::open(&[stored(&next, false), stored(&active, true)], &sealer).unwrap();
        let token = ring.sign(&json!({"sub": "x"})).unwrap();

        let header = jsonwebtoken::decode_header(&token).unwrap();
        assert_eq!(
            (header.alg, header.typ.as_deref(), header.kid.as_deref()),
            (Algorithm::ES256, Some("at+jwt"), Some(active.kid.as_str()))
        );
        let mut validation = Validation::new(Algorithm::ES256);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        let verify = |key: &FreshKey| {
            let jwk: Jwk = serde_json::from_str(&key.public_jwk).unwrap();
            jsonwebtoken::decode::<Value>(&token, &DecodingKey::from_jwk(&jwk).unwrap(), &validation)
        };
        assert_eq!(verify(&active).unwrap().claims, json!({"sub": "x"}));
        assert!(verify(&next).is_err());
    }

    #[test]
    fn the_document_holds_every_key_and_the_public_members_alone() {
        let sealer = sealer();
        let (active, next) = (FreshKey::generate(&sealer).unwrap(), FreshKey::generate(&sealer).unwrap());
        let ring = KeyRing::open(&[stored(&active, true), stored(&next, false)], &sealer).unwrap();
        let document: Value = serde_json::from_str(ring.jwks()).unwrap();
        let keys = document["keys"].as_array().unwrap();
        assert_eq!((&keys[0]["kid"], &keys[1]["kid"]), (&json!(active.kid), &json!(next.kid)));
        for key in keys {
            let mut members: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
            members.sort_unstable();
            assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
            assert_eq!((&key["alg"], &key["use"], &key["crv"]), (&json!("ES256"), &json!("sig"), &json!("P-256")));
        }
    }

    #[test]
    fn the_kid_is_the_thumbprint_of_rfc_7638() {
        let key = FreshKey::generate(&sealer()).unwrap();
        let jwk: Value = serde_json::from_str(&key.public_jwk).unwrap();
        let members = format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, jwk["x"], jwk["y"]);
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, members.as_bytes());
        let thumbprint = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, digest);
        assert_eq!(key.kid, thumbprint);
    }

    #[test]
    fn a_ring_that_cannot_be_trusted_does_not_open() {
        let sealer = sealer();
        let (one, two) = (FreshKey::generate(&sealer).unwrap(), FreshKey::generate(&sealer).unwrap());
        let open = |keys: &[StoredKey]| KeyRing::open(keys, &sealer).map(drop);
        assert!(matches!(open(&[]), Err(KeyRingError::NoneActive)));
        assert!(matches!(open(&[stored(&one, false)]), Err(KeyRingError::NoneActive)));
        assert!(matches!(open(&[stored(&one, true), stored(&two, true)]), Err(KeyRingError::SeveralActive)));

        let other = Sealer::new(b"another secret", "signing keys").unwrap();
        let of_other = FreshKey::generate(&other).unwrap();
        assert!(
            matches!(open(&[stored(&one, true), stored(&of_other, false)]), Err(KeyRingError::Sealed { kid }) if kid == of_other.kid)
        );

        let symmetric = json!({"kty": "oct", "k": "c2VjcmV0", "kid": one.kid, "alg": "HS256"}).to_string();
        for public_jwk in [two.public_jwk.clone(), symmetric, one.public_jwk.replace("ES256", "ES384"), String::new()] {
            let swapped = StoredKey { public_jwk, ..stored(&one, true) };
            assert!(matches!(open(&[swapped]), Err(KeyRingError::Mismatch { .. })));
        }
        let moved = StoredKey { private_ct: two.private_ct, ..stored(&one, true) };
        assert!(matches!(open(&[moved]), Err(KeyRingError::Sealed { .. })));
    }

    #[test]
    fn a_key_of_another_curve_is_refused() {
        let sealer = sealer();
        let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
        let private = pair.to_pkcs8v1().unwrap();
        let key = StoredKey {
            life: KeyLife { kid: "k".to_owned(), state: KeyState::Active, since: chrono::DateTime::UNIX_EPOCH },
            public_jwk: "{}".to_owned(),
            private_ct: sealer.seal(private.as_ref(), b"k").unwrap(),
        };
        assert!(matches!(KeyRing::open(&[key], &sealer), Err(KeyRingError::Mismatch { .. })));
    }
}
