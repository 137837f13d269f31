//! A draft goes out.

use crate::domain::{AlreadySent, Notification};
use crate::store::{self, Viewer};
use contracts::NotificationId;
use contracts::notification::v1::NotificationSent;
use db::{DbError, Tx};
use web::{IfMatch, Stale};

/// What is wanted, and by whom.
#[derive(Debug, Clone)]
pub(crate) struct SendNotification {
    pub(crate) id: NotificationId,
    pub(crate) by: Viewer,
    pub(crate) if_match: IfMatch,
}

/// Why it was not sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendNotificationError {
    #[error("there is no such notification for the caller")]
    NotFound,
    #[error("the notification was sent before")]
    AlreadySent,
    #[error("the notification changed in the meantime")]
    Stale(Stale),
    #[error(transparent)]
    Db(#[from] DbError),
}

pub(crate) async fn send_notification(
    tx: &mut Tx,
    cmd: &SendNotification,
) -> Result<Notification, SendNotificationError> {
    let found = store::get_for_update(tx, cmd.id, cmd.by).await?;
    let mut notification = found.ok_or(SendNotificationError::NotFound)?;
    cmd.if_match.require(notification.version)?;
    notification.send(tx.now())?;
    outbox::emit(tx, NotificationSent::from(&notification), &mut notification.stream);
    store::insert_deliveries(tx, &notification);
    store::update(tx, &mut notification);
    Ok(notification)
}

impl From<&Notification> for NotificationSent {
    fn from(notification: &Notification) -> Self {
        Self {
            notification_id: notification.id,
            recipient_id: notification.recipient,
            channels: notification.channels.iter().map(ToString::to_string).collect(),
        }
    }
}

impl From<AlreadySent> for SendNotificationError {
    fn from(_: AlreadySent) -> Self {
        Self::AlreadySent
    }
}

impl From<Stale> for SendNotificationError {
    fn from(stale: Stale) -> Self {
        Self::Stale(stale)
    }
}
