//! How often a password may be tried, and an account asked for. Rule: the limit belongs to the checking of a password and
//! not to an address, so that there is no way around it; and no stranger can lock an account's owner out.

use crate::crypto::{PasswordError, Passwords, Verdict};
use contracts::UserId;
use db::DbError;
use secrecy::SecretString;
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use web::{Limiter, Network, Quota, Standing};

/// What clients read of the limits.
const LOGIN: &str = "login";
const REGISTER: &str = "register";
/// Failures for one account from one network, by the quota of a network: three times as many in sixty times as long.
const FAILURES: (u32, u32) = (3, 60);
/// Attempts at one account from everywhere in the time of that quota: six times as many, but one after the other.
const EVERYWHERE: u32 = 6;
/// How long an attempt waits for its turn.
const TURN: Duration = Duration::from_secs(2);

/// What has been tried; one for the process.
#[derive(Debug)]
pub(crate) struct Attempts {
    networks: Limiter<Network>,
    failures: Limiter<(Account, Network)>,
    accounts: Limiter<Account>,
    registrations: Limiter<Network>,
    hasher: RandomState,
}

/// Who is tried, whether they exist or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Account(u64);

/// An attempt from somewhere.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking<'a> {
    attempts: &'a Attempts,
    network: Network,
}

/// Why a password was not checked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AttemptError {
    #[error("too many attempts")]
    TooMany(Standing),
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Attempts {
    /// `login` is what one network may try, `register` what it may ask for.
    pub(crate) fn new(login: Quota, register: Quota) -> Self {
        let (failures, longer) = FAILURES;
        // As a time for each and not as a count for many: nobody can save any up.
        let each = login.window() / login.count().saturating_mul(EVERYWHERE).max(1);
        Self {
            networks: Limiter::new(LOGIN, login),
            failures: Limiter::new(LOGIN, login.times(failures, longer)),
            accounts: Limiter::new(LOGIN, Quota::at_least_one(1, each)),
            registrations: Limiter::new(REGISTER, register),
            hasher: RandomState::new(),
        }
    }

    /// From that network.
    pub(crate) const fn from(&self, network: Network) -> Asking<'_> {
        Asking { attempts: self, network }
    }

    /// An account that exists.
    pub(crate) fn account(&self, user: UserId) -> Account {
        Account(self.hasher.hash_one(("user", user.uuid())))
    }

    /// One that does not, by the name that was tried.
    pub(crate) fn nobody(&self, login: &str) -> Account {
        Account(self.hasher.hash_one(("nobody", login.to_lowercase())))
    }

    /// Forgets who has not tried for long.
    pub(crate) fn sweep(&self) {
        self.networks.sweep();
        self.failures.sweep();
        self.accounts.sweep();
        self.registrations.sweep();
    }
}

impl Asking<'_> {
    pub(crate) const fn attempts(&self) -> &Attempts {
        self.attempts
    }

    pub(crate) const fn network(&self) -> Network {
        self.network
    }

    /// Counts an attempt of this network, at whatever account.
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

    /// Checks the password of an account; `is_at_home` says whether its owner is signed in from this network.
    ///
    /// Failures count before it is known that they are any, so that a thousand attempts at once are not each the first;
    /// who was right gets that back, and who goes away without waiting does not.
    ///
    /// # Errors
    /// Too many failures of this network at the account, or too many attempts at it from everywhere.
    pub(crate) async fn check(
        &self,
        passwords: &Passwords,
        account: Account,
        is_at_home: impl Future<Output = Result<bool, DbError>>,
        password: &SecretString,
        stored: Option<&str>,
    ) -> Result<Verdict, AttemptError> {
        let Attempts { failures, accounts, .. } = self.attempts;
        allowed(failures.take((account, self.network)))?;
        let in_turn = match self.turn(account).await {
            Ok(()) => true,
            Err(_) if is_at_home.await? => false,
            Err(refused) => {
                failures.give_back((account, self.network));
                return Err(refused);
            }
        };
        let verdict = passwords.verify(password, stored).await;
        if !matches!(verdict, Ok(Verdict::Wrong)) {
            failures.give_back((account, self.network));
            if in_turn {
                accounts.give_back(account);
            }
        }
        Ok(verdict?)
    }

    /// Waits until it is this attempt's turn at the account.
    async fn turn(&self, account: Account) -> Result<(), AttemptError> {
        let patient = Instant::now() + TURN;
        loop {
            let standing = self.attempts.accounts.take(account);
            if standing.is_allowed() || Instant::now() + standing.wait() > patient {
                return allowed(standing);
            }
            sleep(standing.wait()).await;
        }
    }
}

fn allowed(standing: Standing) -> Result<(), AttemptError> {
    if standing.is_allowed() { Ok(()) } else { Err(AttemptError::TooMany(standing)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Password;
    use futures_util::future::join_all;
    use uuid::Uuid;

    const RIGHT: &str = "korrekt horse";
    const WRONG: &str = "another horse";

    struct World {
        attempts: Attempts,
        passwords: Passwords,
        stored: String,
        account: Account,
    }

    impl World {
        async fn new(count: u32, seconds: u64) -> Self {
            let login = Quota::new(count, Duration::from_secs(seconds)).unwrap();
            let attempts = Attempts::new(login, login);
            let passwords = Passwords::start().await.unwrap();
            let stored = passwords.hash(&Password::parse(SecretString::from(RIGHT), &[]).unwrap()).await.unwrap();
            let account = attempts.account(UserId(Uuid::from_u128(1)));
            Self { attempts, passwords, stored, account }
        }

        async fn tries(&self, network: u8, password: &str, at_home: bool) -> Result<bool, Standing> {
            let network = Network::of(Some([192, 0, 2, network].into()));
            let password = SecretString::from(password);
            let home = async { Ok(at_home) };
            let asking = self.attempts.from(network);
            match asking.check(&self.passwords, self.account, home, &password, Some(&self.stored)).await {
                Ok(verdict) => Ok(verdict != Verdict::Wrong),
                Err(AttemptError::TooMany(standing)) => Err(standing),
                Err(error) => panic!("{error}"),
            }
        }
    }

    #[test]
    fn the_numbers_of_an_account_follow_from_those_of_a_network() {
        let login = Quota::new(10, Duration::from_secs(60)).unwrap();
        let attempts = Attempts::new(login, login);
        let account = attempts.nobody("anna");
        let network = Network::of(None);
        let taken = (0..100).take_while(|_| attempts.failures.take((account, network)).is_allowed()).count();
        assert_eq!(taken, 30, "in an hour");
        let wait = attempts.failures.look((account, network)).wait();
        assert!(wait > Duration::from_secs(119) && wait <= Duration::from_secs(120), "{wait:?}");
        assert!(attempts.accounts.take(account).is_allowed());
        let wait = attempts.accounts.look(account).wait();
        assert!(wait > Duration::from_millis(900) && wait <= Duration::from_secs(1), "{wait:?}");
    }

    #[tokio::test]
    async fn a_network_that_failed_too_often_is_refused_even_the_right_password_and_another_is_not() {
        // Nine failures in an hour for each account and network; everywhere 18 a second.
        let world = World::new(3, 1).await;
        for _ in 0..9 {
            assert!(matches!(world.tries(1, WRONG, false).await, Ok(false)));
        }
        let before = world.passwords.verifications();
        assert!(world.tries(1, WRONG, false).await.is_err() && world.tries(1, RIGHT, false).await.is_err());
        assert_eq!(world.passwords.verifications(), before, "a refusal costs no hashing");
        assert!(matches!(world.tries(2, RIGHT, false).await, Ok(true)), "the owner is elsewhere");
    }

    #[tokio::test]
    async fn who_is_right_has_failed_at_nothing() {
        let world = World::new(1, 1).await;
        for _ in 0..10 {
            assert!(matches!(world.tries(1, RIGHT, false).await, Ok(true)));
        }
        assert!(matches!(world.tries(1, WRONG, false).await, Ok(false)));
    }

    #[tokio::test]
    async fn attempts_at_once_are_counted_before_any_has_failed() {
        let world = World::new(3, 1).await;
        let outcomes = join_all((0..40).map(|_| world.tries(1, WRONG, true))).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 9);
    }

    #[tokio::test]
    async fn from_everywhere_one_comes_after_the_other() {
        // Everywhere one a second; a turn is waited for.
        let world = World::new(10, 60).await;
        let began = Instant::now();
        assert!(matches!(world.tries(1, WRONG, false).await, Ok(false)));
        assert!(matches!(world.tries(2, WRONG, false).await, Ok(false)));
        assert!(began.elapsed() > Duration::from_millis(900), "{:?}", began.elapsed());
        let outcomes = join_all((3..30).map(|network| world.tries(network, WRONG, false))).await;
        let (tried, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert!(tried.len() <= 3 && refused.len() >= 24, "{} were tried", tried.len());
        for standing in refused.into_iter().filter_map(Result::err) {
            assert!(standing.wait() <= Duration::from_secs(1), "it is never long: {standing:?}");
        }
    }

    #[tokio::test]
    async fn strangers_everywhere_do_not_keep_the_owner_out() {
        // Everywhere one in a minute.
        let world = World::new(1, 360).await;
        assert!(matches!(world.tries(1, WRONG, false).await, Ok(false)));
        assert!(world.tries(2, RIGHT, false).await.is_err(), "from somewhere new it takes its turn");
        assert!(matches!(world.tries(3, RIGHT, true).await, Ok(true)), "from where the owner is signed in it does not");
        assert!(
            matches!(world.tries(3, WRONG, true).await, Ok(false)),
            "and a neighbour of the owner is as limited as ever"
        );
    }

    #[test]
    fn both_names_of_an_account_are_one_and_case_makes_no_other() {
        let login = Quota::new(10, Duration::from_secs(60)).unwrap();
        let attempts = Attempts::new(login, login);
        assert_eq!(attempts.nobody("Anna@Example.org"), attempts.nobody("anna@example.ORG"));
        assert_ne!(attempts.nobody("anna"), attempts.nobody("ben"));
    }
}
