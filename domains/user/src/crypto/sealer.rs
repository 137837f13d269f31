//! Authenticated encryption of what is stored. Rule: every purpose has a key of its own, derived from the one secret,
//! and what is sealed for one row does not open in another.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::{hkdf, rand};
use zeroize::Zeroizing;

/// The cryptographic library refused; it never says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cryptographic library refused")]
pub(crate) struct CryptoError;

impl From<Unspecified> for CryptoError {
    fn from(_: Unspecified) -> Self {
        Self
    }
}

/// A key that seals and opens for one purpose.
pub(crate) struct Sealer(RandomizedNonceKey);

impl Sealer {
    pub(crate) fn new(secret: &[u8], purpose: &str) -> Result<Self, CryptoError> {
        Ok(Self(RandomizedNonceKey::new(&AES_256_GCM, derive(secret, purpose)?.as_slice())?))
    }

    /// Nonce, ciphertext and tag. `row` is not stored; it must be given again to open.
    pub(crate) fn seal(&self, plain: &[u8], row: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let mut text = plain.to_vec();
        let nonce = self.0.seal_in_place_append_tag(Aad::from(row), &mut text)?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.append(&mut text);
        Ok(sealed)
    }

    pub(crate) fn open(&self, sealed: &[u8], row: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let (nonce, text) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(CryptoError)?;
        let mut text = Zeroizing::new(text.to_vec());
        let length = self.0.open_in_place(Nonce::from(nonce), Aad::from(row), &mut text)?.len();
        text.truncate(length);
        Ok(text)
    }
}

/// A 256-bit key for one purpose (HKDF with SHA-256).
pub(crate) fn derive(secret: &[u8], purpose: &str) -> Result<Zeroizing<[u8; 32]>, CryptoError> {
    let mut key = Zeroizing::new([0; 32]);
    let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"cleave");
    salt.extract(secret).expand(&[purpose.as_bytes()], hkdf::HKDF_SHA256)?.fill(key.as_mut_slice())?;
    Ok(key)
}

/// 256 random bits.
pub(crate) fn random() -> Result<Zeroizing<[u8; 32]>, CryptoError> {
    let mut bytes = Zeroizing::new([0; 32]);
    rand::fill(bytes.as_mut_slice())?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_with_the_same_secret_purpose_and_row_alone() {
        let sealed = Sealer::new(b"secret", "a").unwrap().seal(b"plain", b"row").unwrap();
        assert_eq!(Sealer::new(b"secret", "a").unwrap().open(&sealed, b"row").unwrap().as_slice(), b"plain");
        for (secret, purpose, row) in [("other", "a", "row"), ("secret", "b", "row"), ("secret", "a", "other")] {
            let opened = Sealer::new(secret.as_bytes(), purpose).unwrap().open(&sealed, row.as_bytes());
            assert_eq!(opened, Err(CryptoError), "{secret} {purpose} {row}");
        }
    }

    #[test]
    fn an_altered_or_short_text_does_not_open() {
        let sealer = Sealer::new(b"secret", "a").unwrap();
        let sealed = sealer.seal(b"plain", b"row").unwrap();
        for i in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[i] ^= 1;
            assert_eq!(sealer.open(&altered, b"row"), Err(CryptoError), "byte {i}");
            assert_eq!(sealer.open(&sealed[..i], b"row"), Err(CryptoError), "{i} bytes");
        }
    }

    #[test]
    fn the_same_plain_text_is_never_sealed_alike_and_never_shows() {
        let sealer = Sealer::new(b"secret", "a").unwrap();
        let (one, other) = (sealer.seal(b"plain", b"row").unwrap(), sealer.seal(b"plain", b"row").unwrap());
        assert_ne!(one, other);
        assert!(!one.windows(5).any(|window| window == b"plain"));
    }
}
