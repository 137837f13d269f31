//! A notification is thrown away, with its deliveries.

use crate::store::{self, Viewer};
use contracts::NotificationId;
use db::{DbError, Tx};
use web::{IfMatch, Stale};

/// What is wanted, and by whom.
#[derive(Debug, Clone)]
pub(crate) struct DeleteNotification {
    pub(crate) id: NotificationId,
    pub(crate) by: Viewer,
    pub(crate) if_match: IfMatch,
}

/// Why it is still there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeleteNotificationError {
    #[error("there is no such notification for the caller")]
    NotFound,
    #[error("the notification changed in the meantime")]
    Stale(Stale),
    #[error(transparent)]
    Db(#[from] DbError),
}

pub(crate) async fn delete_notification(tx: &mut Tx, cmd: &DeleteNotification) -> Result<(), DeleteNotificationError> {
    let found = store::get_for_update(tx, cmd.id, cmd.by).await?;
    let notification = found.ok_or(DeleteNotificationError::NotFound)?;
    cmd.if_match.require(notification.version)?;
    store::delete(tx, notification.id);
    Ok(())
}

impl From<Stale> for DeleteNotificationError {
    fn from(stale: Stale) -> Self {
        Self::Stale(stale)
    }
}
