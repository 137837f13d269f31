//! Deleting an account. Rule: after the commit nothing of the person is left in this database but the fact that
//! somebody was deleted, and none of their tokens works.

use crate::store::{revocations, sessions, users};
use contracts::UserId;
use contracts::user::v1;
use db::{DbError, Tx};
use web::{IfMatch, Stale};

/// Delete that account.
#[derive(Debug)]
pub(crate) struct DeleteUser {
    pub(crate) user: UserId,
    pub(crate) if_match: IfMatch,
    /// The hash that the caller's password was checked against; none when an administrator deletes somebody else.
    pub(crate) checked_hash: Option<String>,
}

/// Why nothing was deleted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeleteUserError {
    #[error("there is no such user")]
    NotFound,
    #[error(transparent)]
    Stale(#[from] Stale),
    #[error("no working administrator would be left")]
    LastAdmin,
    #[error("the password was changed meanwhile")]
    PasswordChanged,
    #[error(transparent)]
    Db(#[from] DbError),
}

pub(crate) async fn delete_user(tx: &mut Tx, command: &DeleteUser) -> Result<(), DeleteUserError> {
    let mut user = users::lock_among_admins(tx, command.user).await?.ok_or(DeleteUserError::NotFound)?;
    command.if_match.require(user.version)?;
    if command.checked_hash.as_ref().is_some_and(|checked| *checked != user.password_hash) {
        return Err(DeleteUserError::PasswordChanged);
    }
    if user.is_working_admin() && !users::has_other_working_admin(tx, user.id).await? {
        return Err(DeleteUserError::LastAdmin);
    }
    // Blanked first: what is emitted afterwards is the one event that must be heard as it is.
    outbox::erase(tx, user.stream.aggregate, user.id.uuid()).await?;
    outbox::emit(tx, v1::UserDeleted { user_id: user.id }, &mut user.stream);
    revocations::user(tx, user.id, user.token_epoch.saturating_add(1));
    sessions::delete_all(tx, user.id).await?;
    web::forget_account(tx, user.id).await?;
    users::delete(tx, user.id);
    Ok(())
}
