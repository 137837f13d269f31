//! Changing an account. Rule: one working administrator is always left; whoever loses a right loses the access tokens
//! that carry it in the same transaction.

use crate::domain::{Edit, User};
use crate::store::sessions::Ended;
use crate::store::{revocations, sessions, users};
use contracts::UserId;
use db::{DbError, Tx};
use web::{IfMatch, Stale};

/// Set these fields of that account.
#[derive(Debug)]
pub(crate) struct EditUser {
    pub(crate) user: UserId,
    pub(crate) edit: Edit,
    pub(crate) if_match: IfMatch,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EditUserError {
    #[error("there is no such user")]
    NotFound,
    #[error(transparent)]
    Stale(#[from] Stale),
    #[error("no working administrator would be left")]
    LastAdmin,
    #[error(transparent)]
    Db(#[from] DbError),
}

pub(crate) async fn edit_user(tx: &mut Tx, command: &EditUser) -> Result<User, EditUserError> {
    let edit = &command.edit;
    let may_demote = edit.role.is_some() || edit.is_active.is_some();
    let user = if may_demote {
        users::lock_among_admins(tx, command.user).await?
    } else {
        users::lock(tx, command.user).await?
    };
    let mut user = user.ok_or(EditUserError::NotFound)?;
    command.if_match.require(user.version)?;
    let was_working_admin = user.is_working_admin();
    let edited = user.edit(edit, tx.now());
    if edited.changes.is_empty() {
        return Ok(user);
    }
    if was_working_admin && !user.is_working_admin() && !users::has_other_working_admin(tx, user.id).await? {
        return Err(EditUserError::LastAdmin);
    }
    if edited.disabled {
        sessions::end_all(tx, user.id, Ended::Disabled).await?;
    }
    if edited.epoch_raised {
        revocations::user(tx, user.id, user.token_epoch);
    }
    outbox::emit(tx, user.updated(edited.changes), &mut user.stream);
    users::update(tx, &user);
    Ok(user)
}
