//! Making an account: by registering, or by an administrator. Rule: the database decides who has a name first.

use crate::domain::{NewUser, User};
use crate::store::users::{self, InsertError};
use contracts::UserId;
use db::{DbError, Tx};

/// Why there is no new account.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CreateUserError {
    #[error("the username is taken")]
    UsernameTaken,
    #[error("the e-mail address is taken")]
    EmailTaken,
    #[error(transparent)]
    Db(#[from] DbError),
}

pub(crate) async fn create_user(tx: &mut Tx, new: &NewUser) -> Result<User, CreateUserError> {
    let mut user = User::new(UserId(tx.new_id()), new.clone(), tx.now());
    let created = user.created();
    // The row comes first, because a name that is taken must be known before anything else is sent; it already holds
    // the sequence of the event that follows.
    user.stream.seq += 1;
    users::insert(tx, &user).await?;
    user.stream.seq -= 1;
    outbox::emit(tx, created, &mut user.stream);
    Ok(user)
}

impl From<InsertError> for CreateUserError {
    fn from(error: InsertError) -> Self {
        match error {
            InsertError::UsernameTaken => Self::UsernameTaken,
            InsertError::EmailTaken => Self::EmailTaken,
            InsertError::Db(error) => Self::Db(error),
        }
    }
}
