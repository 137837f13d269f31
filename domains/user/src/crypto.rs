//! Secrets: hashing passwords, sealing what is stored, signing access tokens, making refresh tokens. Rule: only this
//! module names keys and algorithms.

mod hashing_threads;
mod key_ring;
mod passwords;
mod refresh_secret;
mod sealer;

pub(crate) use key_ring::{FreshKey, KeyRing, KeyRingError, StoredKey};
pub(crate) use passwords::{PasswordError, Passwords, Verdict};
pub(crate) use refresh_secret::{RefreshSecret, TokenHash};
pub(crate) use sealer::{CryptoError, Sealer, derive, random};
