//! The key that really signs, opened as only who has the installation's secret can. With it a forgery is wrong in one
//! thing alone.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use testkit::System;

/// A signing key.
pub(super) struct Key {
    pub(super) kid: String,
    pair: EcdsaKeyPair,
}

impl Key {
    /// The active one.
    pub(super) async fn of(system: &System) -> Self {
        let sealed = if system.on_postgres() { "encode(private_ct, 'hex')" } else { "hex(private_ct)" };
        let active = format!("SELECT kid || ' ' || {sealed} FROM signing_key WHERE state = 'active'");
        let row = system.column("user", &active).await.remove(0);
        let (kid, sealed) = row.split_once(' ').unwrap();
        let private = open(&bytes(&system.keys_secret()), &bytes(sealed), kid);
        Self {
            kid: kid.to_owned(),
            pair: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &private).unwrap(),
        }
    }

    /// The header of a good token.
    pub(super) fn header(&self) -> Value {
        json!({"typ": "at+jwt", "alg": "ES256", "kid": self.kid})
    }

    /// 0x04, x and y.
    pub(super) fn point(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    pub(super) fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    pub(super) fn sign_text(&self, header: &str, claims: &str) -> String {
        self.sign_parts(&format!("{}.{}", encode(header), encode(claims)))
    }

    /// Signs what is no header and no claims as well.
    pub(super) fn sign_parts(&self, input: &str) -> String {
        let signature = self.pair.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
        format!("{input}.{}", encode(signature))
    }
}

pub(super) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What a token says.
pub(super) fn claims_of(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

fn open(secret: &[u8], sealed: &[u8], kid: &str) -> Vec<u8> {
    let mut key = [0; 32];
    let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"cleave");
    salt.extract(secret).expand(&[b"signing keys"], hkdf::HKDF_SHA256).unwrap().fill(&mut key).unwrap();
    let (nonce, text) = sealed.split_first_chunk::<NONCE_LEN>().unwrap();
    let mut text = text.to_vec();
    let key = RandomizedNonceKey::new(&AES_256_GCM, &key).unwrap();
    key.open_in_place(Nonce::from(nonce), Aad::from(kid.as_bytes()), &mut text).unwrap().to_vec()
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}
