//! Asking for the password again before what cannot be undone. Rule: outside the transaction, because hashing is
//! slow; the use-case that follows compares the hash that was checked.

use crate::attempts::{Asking, AttemptError};
use crate::crypto::{PasswordError, Passwords, Verdict};
use crate::domain::User;
use crate::store::{sessions, users};
use contracts::UserId;
use db::{Db, DbError};
use secrecy::SecretString;

/// Why the password was not confirmed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckPasswordError {
    #[error("the password is wrong")]
    Wrong,
    #[error("there is no such user")]
    NotFound,
    #[error(transparent)]
    Attempt(#[from] AttemptError),
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// The hash that the password fits.
pub(crate) async fn check_password(
    db: &Db,
    passwords: &Passwords,
    asking: Asking<'_>,
    user: UserId,
    password: &SecretString,
) -> Result<String, CheckPasswordError> {
    asking.once()?;
    let found = users::find(db.reader(), user).await?;
    let User { username, password_hash, .. } = found.ok_or(CheckPasswordError::NotFound)?;
    let is_at_home = sessions::any_live_in(db.reader(), user, asking.network(), db.clock().now());
    // Counted with the sign-ins by that name, so that this is no third way to guess.
    let attempt = asking.at(username.as_str(), is_at_home).await?;
    match attempt.check(passwords, password, Some(&password_hash)).await {
        Ok(Verdict::Right { .. }) => {
            attempt.give_back();
            Ok(password_hash)
        }
        Ok(Verdict::Wrong) => {
            attempt.fail_openly()?;
            Err(CheckPasswordError::Wrong)
        }
        Err(error) => {
            attempt.give_back();
            Err(error.into())
        }
    }
}
