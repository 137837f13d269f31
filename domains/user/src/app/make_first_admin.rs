//! The first administrator. Rule: made only where there is none at all; between two processes the unique username
//! decides, and the loser does nothing.

use super::{CreateUserError, create_user};
use crate::domain::NewUser;
use crate::store::users;
use db::{DbError, Tx};

/// Why there is no first administrator of ours.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FirstAdminError {
    #[error("there is an administrator, or somebody has the name")]
    Exists,
    #[error(transparent)]
    Db(#[from] DbError),
}

pub(crate) async fn make_first_admin(tx: &mut Tx, new: &NewUser) -> Result<(), FirstAdminError> {
    if users::has_admin(tx).await? {
        return Err(FirstAdminError::Exists);
    }
    match create_user(tx, new).await {
        Ok(_) => Ok(()),
        Err(CreateUserError::UsernameTaken | CreateUserError::EmailTaken) => Err(FirstAdminError::Exists),
        Err(CreateUserError::Db(error)) => Err(error.into()),
    }
}
