//! Hashing the password of a new account. Rule: a name that is taken already is refused before the hashing, so that
//! repeating a registration costs the server next to nothing; who has a name first is still decided by the insert.

use crate::crypto::{PasswordError, Passwords};
use crate::domain::{NewUser, Password};
use crate::store::users::{self, Taken};
use db::{Db, DbError};

/// Why there is no hash.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HashNewPasswordError {
    #[error("the username is taken")]
    UsernameTaken,
    #[error("the e-mail address is taken")]
    EmailTaken,
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// `may_be_repeated` says that the request could be one that was carried out before and is to be answered again: its
/// own account has the names then.
pub(crate) async fn hash_new_password(
    db: &Db,
    passwords: &Passwords,
    new: NewUser,
    password: &Password,
    may_be_repeated: bool,
) -> Result<NewUser, HashNewPasswordError> {
    let core = passwords.core().await?;
    let taken = if may_be_repeated { None } else { users::find_taken(db.reader(), &new).await? };
    match taken {
        Some(Taken::Username) => Err(HashNewPasswordError::UsernameTaken),
        Some(Taken::Email) => Err(HashNewPasswordError::EmailTaken),
        None => Ok(NewUser { password_hash: core.hash(password).await?, ..new }),
    }
}
