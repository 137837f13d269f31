//! One attempt at one name. Rule: it counts as a failure before it is known to be any, so that a thousand attempts at once
//! are not each the first; and whoever fails out of turn is told, after as long, what is told of a name that nobody has.

use super::{AttemptError, Attempts, Name, allowed};
use crate::crypto::{PasswordError, Passwords, Verdict};
use db::DbError;
use secrecy::SecretString;
use std::future::Future;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use web::{Network, Standing};

/// How long an attempt waits for its turn.
const TURN: Duration = Duration::from_secs(2);

/// It goes on counting when whoever made it goes away without waiting.
#[derive(Debug)]
#[must_use = "it counts as a failure until it is given back"]
pub(crate) struct Attempt<'a> {
    attempts: &'a Attempts,
    at: (Name, Network),
    turn: Turn,
}

/// Whether it was its turn.
#[derive(Debug)]
enum Turn {
    Came,
    Missed { refusal: Standing, is_at_home: bool },
}

impl<'a> Attempt<'a> {
    pub(super) async fn begin(
        attempts: &'a Attempts,
        at: (Name, Network),
        is_at_home: impl Future<Output = Result<bool, DbError>>,
    ) -> Result<Self, AttemptError> {
        allowed(attempts.failures.take(at))?;
        let turn = match wait_for_turn(attempts, at.0).await {
            Ok(()) => Turn::Came,
            Err(refusal) => {
                attempts.failures.give_back(at);
                // Counted and asked for whoever it is: a difference could be seen from outside.
                if !attempts.out_of_turn.take(at).is_allowed() {
                    return Err(AttemptError::TooMany(refusal));
                }
                Turn::Missed { refusal, is_at_home: is_at_home.await? }
            }
        };
        Ok(Self { attempts, at, turn })
    }

    /// Whether the password fits. Out of turn it fits for somebody at home alone; to find that out takes everybody as long.
    ///
    /// # Errors
    /// It could not be checked.
    pub(crate) async fn check(
        &self,
        passwords: &Passwords,
        password: &SecretString,
        stored: Option<&str>,
    ) -> Result<Verdict, PasswordError> {
        let may_fit = match self.turn {
            Turn::Came => true,
            Turn::Missed { is_at_home, .. } => is_at_home,
        };
        passwords.verify(password, stored.filter(|_| may_fit)).await
    }

    /// It was no failure.
    pub(crate) fn give_back(self) {
        let Self { attempts, at, turn } = self;
        match turn {
            Turn::Came => {
                attempts.failures.give_back(at);
                attempts.turns.give_back(at.0);
            }
            Turn::Missed { .. } => attempts.out_of_turn.give_back(at),
        }
    }

    /// It was one, of whoever it may be.
    ///
    /// # Errors
    /// It was out of turn, and nothing else may be said of it.
    pub(crate) fn fail(self) -> Result<(), AttemptError> {
        match self.turn {
            Turn::Came => Ok(()),
            Turn::Missed { refusal, .. } => Err(AttemptError::TooMany(refusal)),
        }
    }
    /// It was one, of somebody who is signed in to the account and knows that it is there.
    ///
    /// # Errors
    /// It was out of turn and away from home, so the password was not looked at.
    pub(crate) fn fail_openly(self) -> Result<(), AttemptError> {
        match self.turn {
            Turn::Came | Turn::Missed { is_at_home: true, .. } => Ok(()),
            Turn::Missed { is_at_home: false, refusal } => Err(AttemptError::TooMany(refusal)),
        }
    }
}

/// Waits until the next one at that name may try.
async fn wait_for_turn(attempts: &Attempts, name: Name) -> Result<(), Standing> {
    let patient = Instant::now() + TURN;
    loop {
        let standing = attempts.turns.take(name);
        if standing.is_allowed() {
            return Ok(());
        }
        if Instant::now() + standing.wait() > patient {
            return Err(standing);
        }
        sleep(standing.wait()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Password;
    use futures_util::future::join_all;
    use web::Quota;

    const RIGHT: &str = "korrekt horse";
    const WRONG: &str = "another horse";

    struct World {
        attempts: Attempts,
        passwords: Passwords,
        stored: String,
    }

    /// Who tries.
    struct By {
        login: &'static str,
        network: u8,
        at_home: bool,
    }

    /// The owner's own network.
    const HOME: By = By { login: "anna", network: 3, at_home: true };

    const fn stranger(network: u8) -> By {
        By { login: "anna", network, at_home: false }
    }

    impl World {
        async fn new(count: u32, seconds: u64) -> Self {
            let login = Quota::new(count, Duration::from_secs(seconds)).unwrap();
            let attempts = Attempts::new(login, login);
            let passwords = Passwords::start().await.unwrap();
            let stored = passwords.hash(&Password::parse(SecretString::from(RIGHT), &[]).unwrap()).await.unwrap();
            Self { attempts, passwords, stored }
        }

        /// Anna has an account, with two names.
        async fn tries(&self, by: &By, password: &str) -> Result<bool, Standing> {
            let stored = by.login.starts_with("anna").then_some(self.stored.as_str());
            let asking = self.attempts.from(Network::of(Some([192, 0, 2, by.network].into())));
            let checked = async {
                let attempt = asking.at(by.login, async { Ok(by.at_home) }).await?;
                if attempt.check(&self.passwords, &SecretString::from(password), stored).await.unwrap()
                    == Verdict::Wrong
                {
                    return attempt.fail().map(|()| false);
                }
                attempt.give_back();
                Ok(true)
            };
            match checked.await {
                Ok(fits) => Ok(fits),
                Err(AttemptError::TooMany(standing)) => Err(standing),
                Err(error) => panic!("{error}"),
            }
        }
    }

    #[tokio::test]
    async fn a_network_that_failed_too_often_is_refused_even_the_right_password_and_another_is_not() {
        // Nine failures in an hour for each name and network; everywhere 18 a second.
        let world = World::new(3, 1).await;
        for _ in 0..9 {
            assert!(matches!(world.tries(&stranger(1), WRONG).await, Ok(false)));
        }
        let before = world.passwords.verifications();
        assert!(world.tries(&stranger(1), WRONG).await.is_err() && world.tries(&stranger(1), RIGHT).await.is_err());
        assert_eq!(world.passwords.verifications(), before, "a refusal costs no hashing");
        assert!(matches!(world.tries(&stranger(2), RIGHT).await, Ok(true)), "the owner is elsewhere");
    }

    #[tokio::test]
    async fn who_is_right_has_failed_at_nothing() {
        let world = World::new(1, 1).await;
        for _ in 0..10 {
            assert!(matches!(world.tries(&stranger(1), RIGHT).await, Ok(true)));
        }
        assert!(matches!(world.tries(&stranger(1), WRONG).await, Ok(false)));
    }

    #[tokio::test]
    async fn attempts_at_once_are_counted_before_any_has_failed() {
        let world = World::new(3, 1).await;
        let outcomes = join_all((0..40).map(|_| world.tries(&HOME, WRONG))).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 9);
    }

    #[tokio::test]
    async fn from_everywhere_one_comes_after_the_other() {
        // Everywhere one a second; a turn is waited for.
        let world = World::new(10, 60).await;
        let began = Instant::now();
        assert!(matches!(world.tries(&stranger(1), WRONG).await, Ok(false)));
        assert!(matches!(world.tries(&stranger(2), WRONG).await, Ok(false)));
        assert!(began.elapsed() > Duration::from_millis(900), "{:?}", began.elapsed());
        let all: Vec<By> = (3..13).map(stranger).collect();
        let outcomes = join_all(all.iter().map(|by| world.tries(by, WRONG))).await;
        let (tried, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert!(tried.len() <= 3 && refused.len() >= 7, "{} were tried", tried.len());
        for standing in refused.into_iter().filter_map(Result::err) {
            assert!(standing.wait() <= Duration::from_secs(1), "it is never long: {standing:?}");
        }
    }

    #[tokio::test]
    async fn strangers_everywhere_do_not_keep_the_owner_out() {
        // Everywhere one in a minute.
        let world = World::new(1, 360).await;
        assert!(matches!(world.tries(&stranger(1), WRONG).await, Ok(false)));
        assert!(world.tries(&stranger(2), RIGHT).await.is_err(), "from somewhere new it takes its turn");
        for _ in 0..3 {
            assert!(matches!(world.tries(&HOME, RIGHT).await, Ok(true)), "where the owner is signed in it does not");
        }
    }

    #[tokio::test]
    async fn who_is_wrong_out_of_turn_is_told_what_is_told_of_a_name_that_nobody_has() {
        // Everywhere one in a minute; six failures out of turn in six hours.
        let world = World::new(6, 2160).await;
        let nobody = By { login: "nobody", at_home: false, ..HOME };
        for login in ["anna", "nobody"] {
            assert!(matches!(world.tries(&By { login, ..stranger(1) }, WRONG).await, Ok(false)));
        }
        let mut told = Vec::new();
        for by in [&HOME, &nobody] {
            let before = world.passwords.verifications();
            let refusal = world.tries(by, WRONG).await.unwrap_err();
            assert_eq!(world.passwords.verifications(), before + 1, "a refusal takes as long as an attempt");
            let left = world.attempts.failures_left(by.login, Network::of(Some([192, 0, 2, by.network].into())));
            assert_eq!(left, 18, "a refusal is no failure");
            told.push((refusal.remaining(), refusal.wait().as_secs().div_ceil(10)));
        }
        assert_eq!(told[0], told[1]);
    }

    #[tokio::test]
    async fn a_neighbour_of_the_owner_has_few_attempts_out_of_turn() {
        // Everywhere one in a minute; two failures out of turn in twelve hours.
        let world = World::new(2, 720).await;
        assert!(matches!(world.tries(&stranger(1), WRONG).await, Ok(false)));
        assert!(world.tries(&HOME, WRONG).await.is_err());
        assert!(matches!(world.tries(&HOME, RIGHT).await, Ok(true)), "one is left, and is given back");
        assert!(world.tries(&HOME, WRONG).await.is_err());
        let before = world.passwords.verifications();
        assert!(world.tries(&HOME, RIGHT).await.is_err());
        assert_eq!(world.passwords.verifications(), before, "a refusal costs no hashing any more");
    }

    #[tokio::test]
    async fn one_name_of_an_account_tells_nothing_of_the_other() {
        // Everywhere one in a minute; three failures at a name in six hours.
        let world = World::new(1, 360).await;
        assert!(matches!(world.tries(&stranger(1), WRONG).await, Ok(false)));
        assert!(world.tries(&stranger(2), WRONG).await.is_err());
        for login in ["anna@example.org", "nobody@example.org"] {
            assert!(matches!(world.tries(&By { login, ..stranger(1) }, WRONG).await, Ok(false)), "{login}");
        }
    }
}
