//! Signing in. Rule: a name that does not exist, a wrong password and a disabled account cost the same, count the same
//! and look the same.

use super::{OpenSession, OpenSessionError, SignedIn, open_session};
use crate::attempts::{Asking, Attempt, AttemptError};
use crate::crypto::{CryptoError, PasswordError, Passwords, RefreshSecret, Verdict};
use crate::store::sessions::{self, Device};
use crate::store::users;
use contracts::UserId;
use db::{Context, Db, DbError};
use secrecy::SecretString;
use uuid::Uuid;
use web::Network;

/// An attempt.
#[derive(Debug)]
pub(crate) struct SignIn {
    /// Username or e-mail address.
    pub(crate) login: String,
    pub(crate) password: SecretString,
    pub(crate) device: Device,
}

/// Why nobody is signed in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignInError {
    #[error("login and password do not belong to an account that may sign in")]
    Refused,
    #[error(transparent)]
    Attempt(#[from] AttemptError),
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Two: a parallel sign-in may have replaced the hash by a stronger one of the same password.
const CHECKS: usize = 2;

pub(crate) async fn sign_in(
    db: &Db,
    passwords: &Passwords,
    asking: Asking<'_>,
    context: &Context,
    command: &SignIn,
) -> Result<(SignedIn, RefreshSecret), SignInError> {
    asking.once()?;
    let attempt = asking.at(&command.login, is_at_home(db, &command.login, asking.network())).await?;
    match check_and_open(db, passwords, &attempt, context, command).await {
        Ok(signed_in) => {
            attempt.give_back();
            Ok(signed_in)
        }
        // Also with the right password of a disabled account.
        Err(SignInError::Refused) => {
            attempt.fail()?;
            Err(SignInError::Refused)
        }
        Err(error) => {
            attempt.give_back();
            Err(error)
        }
    }
}

async fn check_and_open(
    db: &Db,
    passwords: &Passwords,
    attempt: &Attempt<'_>,
    context: &Context,
    command: &SignIn,
) -> Result<(SignedIn, RefreshSecret), SignInError> {
    for _ in 0..CHECKS {
        let user = users::find_by_login(db.reader(), &command.login).await?;
        let stored = user.as_ref().map(|user| user.password_hash.as_str());
        let verdict = attempt.check(passwords, &command.password, stored).await?;
        let (Some(user), Verdict::Right { stronger }) = (user, verdict) else { return Err(SignInError::Refused) };
        let refresh = RefreshSecret::generate()?;
        let opening = OpenSession {
            user: user.id,
            checked_hash: user.password_hash,
            stronger_hash: stronger,
            refresh: refresh.hash(),
            device: command.device.clone(),
        };
        match db.write(context, &opening, open_session).await {
            Ok(signed_in) => return Ok((signed_in, refresh)),
            Err(OpenSessionError::HashReplaced) => {}
            Err(OpenSessionError::Gone) => return Err(SignInError::Refused),
            Err(OpenSessionError::Db(error)) => return Err(error.into()),
        }
    }
    Err(SignInError::Refused)
}

/// Whether whoever has that name is signed in from that network. For a name that nobody has the same is asked.
async fn is_at_home(db: &Db, login: &str, network: Network) -> Result<bool, DbError> {
    let user = users::find_by_login(db.reader(), login).await?;
    let id = user.map_or(UserId(Uuid::nil()), |user| user.id);
    sessions::any_live_in(db.reader(), id, network, db.clock().now()).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixture::Fixture;
    use crate::app::{DeleteUser, EditUser, delete_user, edit_user};
    use crate::attempts::Attempts;
    use crate::domain::Edit;
    use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
    use futures_util::future::join_all;
    use std::time::{Duration, Instant};
    use web::{IfMatch, Quota};

    const PASSWORD: &str = "korrekt horse";

    impl Fixture {
        async fn try_sign_in(&self, login: &str, password: &str) -> Result<SignedIn, SignInError> {
            let attempt = SignIn { login: login.to_owned(), password: password.into(), device: Device::default() };
            let asking = self.attempts.from(Network::of(None));
            let signed_in = sign_in(&self.db, &self.passwords, asking, &Context::default(), &attempt).await;
            signed_in.map(|(signed_in, _)| signed_in)
        }
    }

    #[tokio::test]
    async fn every_attempt_costs_one_verification_whatever_the_account_is() {
        let fixture = Fixture::new().await;
        fixture.user("anna", PASSWORD).await;
        let disabled = fixture.user("bert", PASSWORD).await;
        let edit = Edit { is_active: Some(false), ..Edit::default() };
        fixture.write(&EditUser { user: disabled.id, edit, if_match: IfMatch::Absent }, edit_user).await.unwrap();
        let deleted = fixture.user("carl", PASSWORD).await;
        let command = DeleteUser { user: deleted.id, if_match: IfMatch::Absent, checked_hash: None };
        fixture.write(&command, delete_user).await.unwrap();
        for (login, password, fits) in [
            ("anna", PASSWORD, true),
            ("anna@example.org", PASSWORD, true),
            ("anna", "another one", false),
            ("bert", PASSWORD, false),
            ("carl", PASSWORD, false),
            ("nobody", PASSWORD, false),
            ("nobody@example.org", PASSWORD, false),
        ] {
            let before = fixture.passwords.verifications();
            let outcome = fixture.try_sign_in(login, password).await;
            assert_eq!(fixture.passwords.verifications(), before + 1, "{login}");
            match outcome {
                Ok(_) => assert!(fits, "{login}"),
                Err(error) => assert!(!fits && matches!(error, SignInError::Refused), "{login}: {error}"),
            }
        }
        assert_eq!(fixture.number("SELECT count(*) FROM session").await, 2);
    }

    #[tokio::test]
    async fn the_right_password_of_a_disabled_account_counts_like_a_wrong_one() {
        let mut fixture = Fixture::new().await;
        let rarely = Quota::new(1000, Duration::from_secs(3600)).unwrap();
        fixture.attempts = Attempts::new(rarely, rarely);
        fixture.user("anna", PASSWORD).await;
        let disabled = fixture.user("bert", PASSWORD).await;
        let edit = Edit { is_active: Some(false), ..Edit::default() };
        fixture.write(&EditUser { user: disabled.id, edit, if_match: IfMatch::Absent }, edit_user).await.unwrap();
        let mut counted = Vec::new();
        for (login, password) in
            [("bert", PASSWORD), ("bert@example.org", "another one"), ("nobody", PASSWORD), ("anna", PASSWORD)]
        {
            let left = || fixture.attempts.failures_left(login, Network::of(None));
            let before = left();
            let outcome = fixture.try_sign_in(login, password).await;
            assert_eq!(outcome.is_ok(), login == "anna", "{outcome:?}");
            counted.push(before - left());
        }
        assert_eq!(counted, [1, 1, 1, 0]);
    }

    /// Counted above; here it is measured, in turn, and printed. Without a hash it would take a hundredth.
    #[tokio::test]
    async fn a_name_that_nobody_has_takes_as_long_as_one_that_somebody_has() {
        let fixture = Fixture::new().await;
        fixture.user("anna", PASSWORD).await;
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..15 {
            for (login, times) in ["anna", "nobody"].into_iter().zip(&mut times) {
                let begun = Instant::now();
                fixture.try_sign_in(login, "another one").await.unwrap_err();
                times.push(begun.elapsed());
            }
        }
        let [known, unknown] = times.map(|mut times| {
            times.sort_unstable();
            times[times.len() / 2]
        });
        println!("median of a refused sign-in: {known:?} with an account, {unknown:?} without");
        assert!(known < unknown * 4 && unknown < known * 4, "{known:?} and {unknown:?}");
    }

    #[tokio::test]
    async fn a_cheap_hash_is_upgraded_also_by_many_at_once() {
        let fixture = Fixture::new().await;
        let cheap = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(1024, 1, 1, None).unwrap());
        let hash = cheap.hash_password(PASSWORD.as_bytes()).unwrap().to_string();
        fixture.user_with_hash("anna", hash).await;
        let outcomes = join_all((0..6).map(|_| fixture.try_sign_in("anna", PASSWORD))).await;
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
        let strong =
            "SELECT count(*) FROM users WHERE password_hash LIKE '$argon2id$v=19$m=19456,t=2,p=1$%' AND version = 1";
        assert_eq!(fixture.number(strong).await, 1);
        fixture.try_sign_in("anna", PASSWORD).await.unwrap();
    }
}
