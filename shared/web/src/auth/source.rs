//! Where keys and revocations come from. Rule: the verifier never asks whether that is a table of the same process or
//! another service.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use contracts::{SessionId, UserId};
use std::fmt::Display;
use std::sync::Arc;
use tokio::sync::Notify;

/// Brings keys and revocations. It is asked every second, so what is far away should answer from a cache.
#[async_trait]
pub trait KeySource: Send + Sync {
    /// The public keys, and the number of the newest revocation.
    async fn snapshot(&self) -> Result<KeySnapshot, KeySourceError>;

    /// The revocations that still matter with a number greater than `n`, ascending; all of them for 0. Where several
    /// processes write, those up to [`REVOCATIONS_AGAIN`] below `n` as well.
    async fn revocations_after(&self, n: i64) -> Result<Vec<Revocation>, KeySourceError>;

    /// Told as soon as there is something new. To be missed is no harm: the verifier also asks by itself.
    fn changed(&self) -> Arc<Notify>;

    /// Somebody showed a token of a key that the source did not bring: a source that answers from a cache looks
    /// again. The verifier asks at most once in 30 s.
    async fn refetch(&self) {}
}

/// How far back a source looks: numbers are given out in one order and may become visible in another.
pub const REVOCATIONS_AGAIN: i64 = 256;

/// The state of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySnapshot {
    /// A JWKS document (RFC 7517) with the public keys.
    pub jwks: String,
    /// Number of the newest revocation, 0 for none.
    pub last_n: i64,
}

/// Tokens that are worth nothing although they have not expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revocation {
    /// Its number, ascending.
    pub n: i64,
    /// Which tokens.
    pub revoked: Revoked,
    /// From then on all of them have expired by themselves.
    pub until: DateTime<Utc>,
}

/// The tokens that a revocation ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revoked {
    /// All of one session.
    Session(SessionId),
    /// All of a user with a lower epoch.
    User {
        /// The user.
        id: UserId,
        /// The lowest epoch that is still good.
        min_epoch: i32,
    },
}

/// A source could not be read; the text is for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the source of keys cannot be read: {0}")]
pub struct KeySourceError(pub String);

impl KeySourceError {
    /// For that reason.
    pub fn new(reason: impl Display) -> Self {
        Self(reason.to_string())
    }
}

impl From<db::DbError> for KeySourceError {
    fn from(error: db::DbError) -> Self {
        Self::new(error)
    }
}
