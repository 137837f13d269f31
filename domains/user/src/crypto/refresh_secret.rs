//! Refresh tokens: `rt_` and 32 random bytes. Rule: the store keeps a hash, and of the successor of a used token only
//! what the holder of the used one can open; a copy of the database yields no token.

use super::{CryptoError, Sealer, random};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};

const PREFIX: &str = "rt_";
const PURPOSE: &str = "refresh token successor";

/// What the store knows of a refresh token.
pub(crate) type TokenHash = [u8; 32];

/// A refresh token. It does not print.
#[derive(Debug, Clone)]
pub(crate) struct RefreshSecret(SecretString);

impl RefreshSecret {
    pub(crate) fn generate() -> Result<Self, CryptoError> {
        Ok(Self(SecretString::from(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random()?)))))
    }

    /// `None` for what we never made: it is refused before the store is asked.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
        (bytes.len() == 32).then(|| Self(SecretString::from(text)))
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The token has 256 random bits, so a plain hash is as good as a slow one.
    pub(crate) fn hash(&self) -> TokenHash {
        let mut hash = [0; 32];
        for (to, from) in hash.iter_mut().zip(digest(&SHA256, self.expose().as_bytes()).as_ref()) {
            *to = *from;
        }
        hash
    }

    /// Seals `successor` for whoever holds this token.
    pub(crate) fn seal(&self, successor: &Self) -> Result<Vec<u8>, CryptoError> {
        Sealer::new(self.expose().as_bytes(), PURPOSE)?.seal(successor.expose().as_bytes(), &self.hash())
    }

    /// Opens what [`RefreshSecret::seal`] made of this token.
    pub(crate) fn open(&self, sealed: &[u8]) -> Result<Self, CryptoError> {
        let text = Sealer::new(self.expose().as_bytes(), PURPOSE)?.open(sealed, &self.hash())?;
        std::str::from_utf8(&text).ok().and_then(Self::parse).ok_or(CryptoError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_its_prefix_and_43_characters_and_is_new_each_time() {
        let (one, other) = (RefreshSecret::generate().unwrap(), RefreshSecret::generate().unwrap());
        assert_eq!(one.expose().len(), 3 + 43);
        assert_ne!(one.expose(), other.expose());
        assert_eq!(RefreshSecret::parse(one.expose()).unwrap().hash(), one.hash());
        assert_ne!(one.hash(), other.hash());
        assert!(!format!("{one:?}").contains(one.expose()));
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let token = RefreshSecret::generate().unwrap();
        let body = &token.expose()[3..];
        for text in [
            "",
            "rt_",
            body,
            &format!("at_{body}"),
            &format!("rt_{}", &body[1..]),
            &format!("rt_{body}="),
            &format!("rt_{body}A"),
            &format!("rt_{}+", &body[1..]),
        ] {
            assert!(RefreshSecret::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn only_the_holder_of_the_used_token_opens_its_successor() {
        let (used, successor, stranger) = (
            RefreshSecret::generate().unwrap(),
            RefreshSecret::generate().unwrap(),
            RefreshSecret::generate().unwrap(),
        );
        let sealed = used.seal(&successor).unwrap();
        assert_eq!(used.open(&sealed).unwrap().expose(), successor.expose());
        assert!(stranger.open(&sealed).is_err());
    }
}
