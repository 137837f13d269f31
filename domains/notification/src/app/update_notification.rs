//! A notification is read or put into the archive, or the one or the other is undone.

use crate::domain::{NotSent, Notification};
use crate::store::{self, Viewer};
use contracts::NotificationId;
use db::{DbError, Tx};
use web::{IfMatch, Stale};

/// What is wanted, and by whom; what is none stays as it is.
#[derive(Debug, Clone)]
pub(crate) struct UpdateNotification {
    pub(crate) id: NotificationId,
    pub(crate) by: Viewer,
    pub(crate) read: Option<bool>,
    pub(crate) archived: Option<bool>,
    pub(crate) if_match: IfMatch,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpdateNotificationError {
    #[error("there is no such notification for the caller")]
    NotFound,
    #[error("a draft can be neither read nor archived")]
    NotSent,
    #[error("the notification changed in the meantime")]
    Stale(Stale),
    #[error(transparent)]
    Db(#[from] DbError),
}

pub(crate) async fn update_notification(
    tx: &mut Tx,
    cmd: &UpdateNotification,
) -> Result<Notification, UpdateNotificationError> {
    let found = store::get_for_update(tx, cmd.id, cmd.by).await?;
    let mut notification = found.ok_or(UpdateNotificationError::NotFound)?;
    cmd.if_match.require(notification.version)?;
    let mut changed = false;
    if let Some(read) = cmd.read {
        changed |= notification.mark_read(read, tx.now())?;
    }
    if let Some(archived) = cmd.archived {
        changed |= notification.archive(archived, tx.now())?;
    }
    if changed {
        store::update(tx, &mut notification);
    }
    Ok(notification)
}

impl From<NotSent> for UpdateNotificationError {
    fn from(_: NotSent) -> Self {
        Self::NotSent
    }
}

impl From<Stale> for UpdateNotificationError {
    fn from(stale: Stale) -> Self {
        Self::Stale(stale)
    }
}
