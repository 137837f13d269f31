//! How often a password may be tried, and an account asked for. Rule: the limit belongs to the checking of a password and
//! not to an address, so that there is no way around it; no stranger can lock an account's owner out; and nobody learns
//! from a refusal whether a name is anybody's. So what is counted goes by the name as it was typed, of which an account
//! has two.

mod attempt;

pub(crate) use attempt::Attempt;

use db::DbError;
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use web::{Limiter, Network, Quota, Standing};

/// What clients read of the limits.
const LOGIN: &str = "login";
const REGISTER: &str = "register";
/// Failures at one name from one network, by the quota of a network: three times as many in sixty times as long.
const FAILURES: (u32, u32) = (3, 60);
/// Attempts at one name from everywhere in the time of that quota: six times as many, but one after the other.
const EVERYWHERE: u32 = 6;
/// Failures out of turn at one name from one network, by that quota: as many in sixty times as long.
const OUT_OF_TURN: (u32, u32) = (1, 60);

/// What has been tried; one for the process.
#[derive(Debug)]
pub(crate) struct Attempts {
    networks: Limiter<Network>,
    failures: Limiter<(Name, Network)>,
    turns: Limiter<Name>,
    out_of_turn: Limiter<(Name, Network)>,
    registrations: Limiter<Network>,
    hasher: RandomState,
}

/// What somebody signs in as, in any case of its letters, whether it is anybody's or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Name(u64);

/// An attempt from somewhere.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking<'a> {
    attempts: &'a Attempts,
    network: Network,
}

/// Why a password was not checked, or is said not to have been.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AttemptError {
    #[error("too many attempts")]
    TooMany(Standing),
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Attempts {
    /// `login` is what one network may try, `register` what it may ask for.
    pub(crate) fn new(login: Quota, register: Quota) -> Self {
        let ((failures, longer), (out_of_turn, as_long)) = (FAILURES, OUT_OF_TURN);
        // As a time for each and not as a count for many: nobody can save any up.
        let each = login.window() / login.count().saturating_mul(EVERYWHERE).max(1);
        Self {
            networks: Limiter::new(LOGIN, login),
            failures: Limiter::new(LOGIN, login.times(failures, longer)),
            turns: Limiter::new(LOGIN, Quota::at_least_one(1, each)),
            out_of_turn: Limiter::new(LOGIN, login.times(out_of_turn, as_long)),
            registrations: Limiter::new(REGISTER, register),
            hasher: RandomState::new(),
        }
    }

    /// From that network.
    pub(crate) const fn from(&self, network: Network) -> Asking<'_> {
        Asking { attempts: self, network }
    }

    fn name(&self, login: &str) -> Name {
        Name(self.hasher.hash_one(login.to_lowercase()))
    }

    /// Forgets who has not tried for long.
    pub(crate) fn sweep(&self) {
        self.networks.sweep();
        self.failures.sweep();
        self.turns.sweep();
        self.out_of_turn.sweep();
        self.registrations.sweep();
    }

    /// How often that network may still fail at that name.
    #[cfg(test)]
    pub(crate) fn failures_left(&self, login: &str, network: Network) -> u32 {
        let standing = self.failures.look((self.name(login), network));
        if standing.is_allowed() { standing.remaining() + 1 } else { 0 }
    }
}

impl<'a> Asking<'a> {
    pub(crate) const fn network(&self) -> Network {
        self.network
    }

    /// Counts an attempt of this network, at whatever name.
    ///
    /// # Errors
    /// It has had too many.
    pub(crate) fn once(&self) -> Result<(), AttemptError> {
        allowed(self.attempts.networks.take(self.network))
    }

    /// Counts a registration of this network.
    ///
    /// # Errors
    /// It has had too many.
    pub(crate) fn register(&self) -> Result<(), AttemptError> {
        allowed(self.attempts.registrations.take(self.network))
    }

    /// An attempt at a name; `is_at_home` says whether its owner is signed in from this network. It may wait for its turn.
    ///
    /// # Errors
    /// Too many failures of this network at the name, also out of turn, or what went wrong in asking for its owner.
    pub(crate) async fn at(
        &self,
        login: &str,
        is_at_home: impl Future<Output = Result<bool, DbError>>,
    ) -> Result<Attempt<'a>, AttemptError> {
        Attempt::begin(self.attempts, (self.attempts.name(login), self.network), is_at_home).await
    }
}

fn allowed(standing: Standing) -> Result<(), AttemptError> {
    if standing.is_allowed() { Ok(()) } else { Err(AttemptError::TooMany(standing)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_numbers_of_a_name_follow_from_those_of_a_network() {
        let login = Quota::new(10, Duration::from_secs(60)).unwrap();
        let attempts = Attempts::new(login, login);
        let name = attempts.name("anna");
        let network = Network::of(None);
        for (limiter, most, each) in [(&attempts.failures, 30, 120), (&attempts.out_of_turn, 10, 360)] {
            let taken = (0..100).take_while(|_| limiter.take((name, network)).is_allowed()).count();
            assert_eq!(taken, most, "in an hour");
            let wait = limiter.look((name, network)).wait();
            assert!(wait > Duration::from_secs(each - 1) && wait <= Duration::from_secs(each), "{wait:?}");
        }
        assert!(attempts.turns.take(name).is_allowed());
        let wait = attempts.turns.look(name).wait();
        assert!(wait > Duration::from_millis(900) && wait <= Duration::from_secs(1), "{wait:?}");
    }

    #[test]
    fn case_makes_no_other_name() {
        let login = Quota::new(10, Duration::from_secs(60)).unwrap();
        let attempts = Attempts::new(login, login);
        assert_eq!(attempts.name("Anna@Example.org"), attempts.name("anna@example.ORG"));
        assert_ne!(attempts.name("anna"), attempts.name("ben"));
    }
}
