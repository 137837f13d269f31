//! Access tokens. Rule: they say who, in which session and in which role, and nothing of the person: a token can be
//! read by whoever holds it.

use crate::app::SignedIn;
use crate::crypto::{KeyRing, KeyRingError};
use crate::domain::ACCESS_TOKEN;
use chrono::{DateTime, Utc};
use contracts::UserId;
use uuid::Uuid;
use web::Claims;

/// Signs access tokens in the name of this installation.
pub(crate) struct Issuer {
    ring: KeyRing,
    name: String,
}

impl Issuer {
    /// `name` is the public URL: verifiers compare it letter by letter.
    pub(crate) const fn new(ring: KeyRing, name: String) -> Self {
        Self { ring, name }
    }

    /// In whose name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn access_token(&self, signed_in: &SignedIn, jti: Uuid) -> Result<String, KeyRingError> {
        self.ring.sign(&Claims {
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
        let claims: Option<Claims> = self.ring.open_signed(token);
        claims.filter(|claims| claims.iss == self.name && claims.exp > seconds(now)).map(|claims| claims.sub)
    }
}

fn seconds(instant: DateTime<Utc>) -> u64 {
    u64::try_from(instant.timestamp()).unwrap_or_default()
}
