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
    outbox::emit(tx, created, &mut user.stream);
    // Sends the event as well; a name that is taken takes both back.
    users::insert(tx, &user).await?;
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
