//! Asking for the password again before what cannot be undone. Rule: outside the transaction, because hashing is
//! slow; the use-case that follows compares the hash that was checked.

use crate::attempts::{Asking, AttemptError};
use crate::crypto::{Passwords, Verdict};
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
    let User { password_hash, .. } = users::find(db.reader(), user).await?.ok_or(CheckPasswordError::NotFound)?;
    let account = asking.attempts().account(user);
    let is_at_home = sessions::any_live_in(db.reader(), user, asking.network());
    match asking.check(passwords, account, is_at_home, password, Some(&password_hash)).await? {
        Verdict::Right { .. } => Ok(password_hash),
        Verdict::Wrong => Err(CheckPasswordError::Wrong),
    }
}
