//! Somebody writes a notification: to themselves, or, as an administrator, to anybody.

use crate::domain::{Channel, Content, New, Notification, Standing};
use crate::store;
use contracts::notification::v1::NotificationSent;
use contracts::{NotificationId, UserId};
use db::{DbError, Tx};

/// What is wanted. Whether the author may write to that recipient was decided before.
#[derive(Debug, Clone)]
pub(crate) struct CreateNotification {
    pub(crate) by: UserId,
    pub(crate) recipient: UserId,
    pub(crate) content: Content,
    pub(crate) channels: Vec<Channel>,
    /// Sends it at once; otherwise it stays a draft.
    pub(crate) send: bool,
}

/// Why it was not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CreateNotificationError {
    #[error("the recipient is not a user")]
    UnknownUser,
    #[error(transparent)]
    Db(#[from] DbError),
}

pub(crate) async fn create_notification(
    tx: &mut Tx,
    cmd: &CreateNotification,
) -> Result<Notification, CreateNotificationError> {
    match store::standing(tx, cmd.recipient).await? {
        Standing::Known => {}
        // Whoever can ask exists, whether or not word of it has come.
        Standing::Unknown if cmd.recipient == cmd.by => {}
        Standing::Unknown | Standing::Gone => return Err(CreateNotificationError::UnknownUser),
    }
    let id = NotificationId(tx.new_id());
    let new = New {
        recipient: cmd.recipient,
        created_by: Some(cmd.by),
        content: cmd.content.clone(),
        channels: cmd.channels.clone(),
        source: None,
    };
    let notification = if cmd.send {
        let mut notification = Notification::sent(id, new, tx.now());
        outbox::emit(tx, NotificationSent::from(&notification), &mut notification.stream);
        notification
    } else {
        Notification::draft(id, new, tx.now())
    };
    store::insert(tx, &notification);
    Ok(notification)
}
