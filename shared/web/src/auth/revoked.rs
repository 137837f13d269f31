//! The revocations that still matter. Rule: an entry lives as long as the tokens it ends, so the memory is bounded by
//! what happens within a token's life.

use super::claims::Claims;
use super::source::{Revocation, Revoked};
use chrono::{DateTime, Utc};
use contracts::{SessionId, UserId};
use std::collections::HashMap;

/// Ended sessions, and the lowest epochs that are still good.
#[derive(Debug, Default)]
pub(super) struct Revocations {
    pub(super) last_n: i64,
    sessions: HashMap<SessionId, DateTime<Utc>>,
    users: HashMap<UserId, (i32, DateTime<Utc>)>,
}

impl Revocations {
    pub(super) fn add(&mut self, revocation: &Revocation) {
        self.last_n = self.last_n.max(revocation.n);
        let until = revocation.until;
        match revocation.revoked {
            Revoked::Session(id) => {
                self.sessions.insert(id, until);
            }
            Revoked::User { id, min_epoch } => {
                let entry = self.users.entry(id).or_insert((min_epoch, until));
                *entry = (entry.0.max(min_epoch), entry.1.max(until));
            }
        }
    }

    pub(super) fn forget_before(&mut self, now: DateTime<Utc>) {
        self.sessions.retain(|_, until| *until >= now);
        self.users.retain(|_, (_, until)| *until >= now);
    }

    pub(super) fn ends(&self, claims: &Claims) -> bool {
        self.sessions.contains_key(&claims.sid)
            || self.users.get(&claims.sub).is_some_and(|(min_epoch, _)| claims.epoch < *min_epoch)
    }
}
