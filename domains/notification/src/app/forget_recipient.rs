//! A user is gone: a tombstone stays, all else goes. A transaction erases a bounded number of notifications; what is
//! left is noted with the tombstone and erased by a job, so that nobody's large box holds up the events behind it.

use crate::store::{self, erasure};
use contracts::UserId;
use db::{DbError, Tx};

/// Makes the tombstone and erases what fits into this transaction.
pub(crate) async fn forget_recipient(tx: &mut Tx, user: UserId) -> Result<(), DbError> {
    web::forget_caller(tx, user).await?;
    let left = erase_some(tx, user).await?;
    store::bury(tx, user, left).await
}

/// Erases some of what is left of one departed user; false when nothing was left of anybody.
pub(crate) async fn erase_next(tx: &mut Tx, (): &()) -> Result<bool, DbError> {
    let Some(user) = erasure::pending(tx).await? else { return Ok(false) };
    if !erase_some(tx, user).await? {
        erasure::finished(tx, user);
    }
    Ok(true)
}

/// True when something may be left. What others received from the user stays theirs.
async fn erase_some(tx: &mut Tx, user: UserId) -> Result<bool, DbError> {
    let addressed = erasure::addressed_to(tx, user).await?;
    let unsent = erasure::unsent_by(tx, user).await?;
    Ok(addressed.max(unsent) == erasure::ERASED_AT_ONCE)
}
