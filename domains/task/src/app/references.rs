//! What a task points at. Rule: looked up within the transaction that stores it, and locked there where the database
//! locks rows, so that what was there a moment ago is still there at the commit.

use crate::store;
use contracts::{CategoryId, UserId};
use db::{DbError, Tx};

/// A task would point at nothing, or at somebody else's.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReferenceError {
    #[error("no active user {0} is known here")]
    UnknownUser(UserId),
    #[error("the task's creator has no category {0}")]
    UnknownCategory(CategoryId),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// An assignee is somebody who can sign in: neither deactivated nor deleted.
pub(super) async fn require_user(tx: &mut Tx, user: Option<UserId>) -> Result<(), ReferenceError> {
    match user {
        Some(user) if !store::is_active_user(tx, user).await? => Err(ReferenceError::UnknownUser(user)),
        Some(_) | None => Ok(()),
    }
}

/// A task is filed under its creator's own categories.
pub(super) async fn require_category(
    tx: &mut Tx,
    category: Option<CategoryId>,
    owner: UserId,
) -> Result<(), ReferenceError> {
    match category {
        Some(category) if !store::has_category(tx, category, owner).await? => {
            Err(ReferenceError::UnknownCategory(category))
        }
        Some(_) | None => Ok(()),
    }
}
