//! Changing the password, once the present one was checked. Rule: whoever else was signed in with the old one is out; the
//! session that changed it goes on, so the user's epoch stays.

use crate::store::sessions::{self, Ended};
use crate::store::users;
use contracts::user::v1::{PasswordChange, UserPasswordChanged};
use contracts::{SessionId, UserId};
use db::{DbError, Tx};

/// Give that account another password.
pub(crate) struct ChangePassword {
    pub(crate) user: UserId,
    /// The session that goes on.
    pub(crate) session: SessionId,
    /// The hash that the present password was checked against.
    pub(crate) checked_hash: String,
    pub(crate) new_hash: String,
}

/// Why it stays as it was.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangePasswordError {
    #[error("there is no such user")]
    NotFound,
    #[error("the password was changed meanwhile")]
    PasswordChanged,
    #[error(transparent)]
    Db(#[from] DbError),
}

pub(crate) async fn change_password(tx: &mut Tx, command: &ChangePassword) -> Result<(), ChangePasswordError> {
    let mut user = users::lock(tx, command.user).await?.ok_or(ChangePasswordError::NotFound)?;
    if user.password_hash != command.checked_hash {
        return Err(ChangePasswordError::PasswordChanged);
    }
    users::set_password_hash(tx, user.id, &command.new_hash);
    let changed =
        UserPasswordChanged { user_id: user.id, session_id: Some(command.session), reason: PasswordChange::Changed };
    outbox::emit(tx, changed, &mut user.stream);
    users::update(tx, &user);
    sessions::end_others(tx, user.id, command.session, Ended::PasswordChanged).await?;
    Ok(())
}
