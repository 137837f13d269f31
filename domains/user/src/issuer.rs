//! Access tokens. Rule: they say who, in which session and in which role, and nothing of the person: a token can be
//! read by whoever holds it. They are signed by the key that the store says is active, also when another process or an
//! operator changed it.

use crate::app::SignedIn;
use crate::crypto::{FreshKey, KeyRing, KeyRingError, Sealer, StoredKey};
use crate::domain::{ACCESS_TOKEN, KeyLife};
use chrono::{DateTime, Utc};
use contracts::UserId;
use std::sync::{Arc, PoisonError, RwLock};
use uuid::Uuid;
use web::Claims;

/// Signs access tokens in the name of this installation.
pub(crate) struct Issuer {
    name: String,
    sealer: Sealer,
    held: RwLock<Held>,
}

/// The keys, and the stored ones that they were opened from.
struct Held {
    ring: Arc<KeyRing>,
    seen: Vec<KeyLife>,
}

impl Issuer {
    /// `name` is the public URL: verifiers compare it letter by letter.
    ///
    /// # Errors
    /// [`KeyRingError`] when the stored keys are not all ours, or not exactly one of them signs.
    pub(crate) fn open(stored: &[StoredKey], sealer: Sealer, name: String) -> Result<Self, KeyRingError> {
        let ring = Arc::new(KeyRing::open(stored, &sealer)?);
        Ok(Self { name, sealer, held: RwLock::new(Held { ring, seen: lives(stored) }) })
    }

    /// In whose name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Takes the stored keys as they are now. Where they cannot be used, those from before stay: a row that somebody
    /// wrote in neither signs nor verifies anything.
    pub(crate) fn follow(&self, stored: &[StoredKey]) {
        let seen = lives(stored);
        if self.held.read().unwrap_or_else(PoisonError::into_inner).seen == seen {
            return;
        }
        let opened = KeyRing::open(stored, &self.sealer);
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        match opened {
            Ok(ring) => held.ring = Arc::new(ring),
            Err(error) => {
                tracing::error!(%error, "the stored signing keys changed and cannot be used; see `cleave keys list`")
            }
        }
        // Either way this state has been looked at.
        held.seen = seen;
    }

    /// The document of public keys.
    pub(crate) fn jwks(&self) -> String {
        self.ring().jwks().to_owned()
    }

    /// A key that may be stored.
    pub(crate) fn fresh_key(&self) -> Result<FreshKey, KeyRingError> {
        FreshKey::generate(&self.sealer)
    }

    pub(crate) fn access_token(&self, signed_in: &SignedIn, jti: Uuid) -> Result<String, KeyRingError> {
        self.ring().sign(&Claims {
            iss: self.name.clone(),
            sub: signed_in.user,
            aud: web::AUDIENCE.to_owned(),
            exp: seconds(signed_in.now + ACCESS_TOKEN),
            nbf: seconds(signed_in.now),
            iat: seconds(signed_in.now),
            jti,
            client_id: web::CLIENT_ID.to_owned(),
            sid: signed_in.session,
            role: signed_in.role,
            epoch: signed_in.epoch,
            auth_time: seconds(signed_in.auth_time),
        })
    }

    /// Whose access token that is, if we made it and it has not expired; whether it was revoked is not asked.
    pub(crate) fn issued_to(&self, token: &str, now: DateTime<Utc>) -> Option<UserId> {
        let claims: Option<Claims> = self.ring().open_signed(token);
        claims.filter(|claims| claims.iss == self.name && claims.exp > seconds(now)).map(|claims| claims.sub)
    }

    fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.held.read().unwrap_or_else(PoisonError::into_inner).ring)
    }
}

fn lives(stored: &[StoredKey]) -> Vec<KeyLife> {
    stored.iter().map(|key| key.life.clone()).collect()
}

fn seconds(instant: DateTime<Utc>) -> u64 {
    u64::try_from(instant.timestamp()).unwrap_or_default()
}
