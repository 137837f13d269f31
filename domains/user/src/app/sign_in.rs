//! Signing in. Rule: a name that does not exist, a wrong password and a disabled account cost the same and look the
//! same.

use super::{OpenSession, OpenSessionError, SignedIn, open_session};
use crate::crypto::{CryptoError, PasswordError, Passwords, RefreshSecret, Verdict};
use crate::store::sessions::Device;
use crate::store::users;
use db::{Context, Db, DbError};
use secrecy::SecretString;

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
    Password(#[from] PasswordError),
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Two attempts: a parallel sign-in may have replaced the hash by a stronger one of the same password.
const ATTEMPTS: usize = 2;

pub(crate) async fn sign_in(
    db: &Db,
    passwords: &Passwords,
    context: &Context,
    attempt: &SignIn,
) -> Result<(SignedIn, RefreshSecret), SignInError> {
    for _ in 0..ATTEMPTS {
        let user = users::find_by_login(db.reader(), &attempt.login).await?;
        let stored = user.as_ref().map(|user| user.password_hash.as_str());
        let verdict = passwords.verify(&attempt.password, stored).await?;
        let (Some(user), Verdict::Right { stronger }) = (user, verdict) else { return Err(SignInError::Refused) };
        let refresh = RefreshSecret::generate()?;
        let command = OpenSession {
            user: user.id,
            checked_hash: user.password_hash,
            stronger_hash: stronger,
            refresh: refresh.hash(),
            device: attempt.device.clone(),
        };
        match db.write(context, &command, open_session).await {
            Ok(signed_in) => return Ok((signed_in, refresh)),
            Err(OpenSessionError::HashReplaced) => {}
            Err(OpenSessionError::Gone) => return Err(SignInError::Refused),
            Err(OpenSessionError::Db(error)) => return Err(error.into()),
        }
    }
    Err(SignInError::Refused)
}
