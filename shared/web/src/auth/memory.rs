//! Tokens whose signature and claims were found good, so that the same token is not verified again at its next request: that
//! costs more than all else of a small read. Rule: only what cannot change is remembered. Time and revocations are looked at
//! each time, and whoever changes the keys forgets everything.
//!
//! Two generations instead of an order of use: when the newer one is full, the older one goes as a whole.

use super::claims::Claims;
use aws_lc_rs::digest::{SHA256, digest};
use std::collections::HashMap;
use std::mem::take;

/// Tokens of one generation.
const FULL: usize = 8_192;

/// A token as it is remembered: nobody can read it out of the memory of the process.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Fingerprint([u8; 32]);

/// At most two generations of tokens.
#[derive(Debug, Default)]
pub(super) struct Memory {
    newer: HashMap<Fingerprint, Claims>,
    older: HashMap<Fingerprint, Claims>,
}

impl Fingerprint {
    /// Of the whole token, its signature included.
    pub(super) fn of(token: &str) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        Self(bytes)
    }
}

impl Memory {
    /// What the token says, if it is remembered.
    pub(super) fn find(&mut self, token: &Fingerprint) -> Option<&Claims> {
        if !self.newer.contains_key(token) {
            let claims = self.older.remove(token)?;
            self.keep(token.clone(), claims);
        }
        self.newer.get(token)
    }

    /// Remembers it.
    pub(super) fn keep(&mut self, token: Fingerprint, claims: Claims) {
        if self.newer.len() >= FULL {
            self.older = take(&mut self.newer);
        }
        self.newer.insert(token, claims);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::user::Role;
    use contracts::{SessionId, UserId};
    use uuid::Uuid;

    fn claims(exp: u64) -> Claims {
        Claims {
            iss: String::new(),
            sub: UserId(Uuid::nil()),
            aud: String::new(),
            exp,
            nbf: 0,
            iat: 0,
            jti: Uuid::nil(),
            client_id: String::new(),
            sid: SessionId(Uuid::nil()),
            role: Role::User,
            epoch: 0,
            auth_time: 0,
        }
    }

    #[test]
    fn what_is_used_stays_and_what_is_not_goes() {
        let mut memory = Memory::default();
        let (used, unused) = (Fingerprint::of("used"), Fingerprint::of("unused"));
        memory.keep(used.clone(), claims(1));
        memory.keep(unused.clone(), claims(2));
        for n in 0..3 * FULL {
            memory.keep(Fingerprint::of(&n.to_string()), claims(3));
            assert!(memory.newer.len() + memory.older.len() <= 2 * FULL);
            if n % 1_000 == 0 {
                assert_eq!(memory.find(&used), Some(&claims(1)));
            }
        }
        assert_eq!(memory.find(&unused), None);
    }

    #[test]
    fn another_signature_is_another_token() {
        let mut memory = Memory::default();
        memory.keep(Fingerprint::of("head.claims.signature"), claims(1));
        assert_eq!(memory.find(&Fingerprint::of("head.claims.signaturf")), None);
    }
}
