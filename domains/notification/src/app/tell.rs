//! An event is told to somebody. Rule: once per event and recipient, however often it is heard; never to somebody who
//! is gone; and all it needs of the recipient is the id, because a task may be heard of before its people are.

use crate::domain::{Channel, Content, New, Notification, SourceEvent, Standing};
use crate::store;
use contracts::notification::v1::NotificationSent;
use contracts::{Envelope, NotificationId, UserId};
use db::{DbError, Tx};

/// What is told to whom.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) recipient: UserId,
    pub(crate) content: Content,
    pub(crate) source: SourceEvent,
}

pub(crate) async fn tell(tx: &mut Tx, told: Told) -> Result<(), DbError> {
    if store::standing(tx, told.recipient).await? == Standing::Gone {
        return Ok(());
    }
    let new = New {
        recipient: told.recipient,
        created_by: None,
        content: told.content,
        channels: vec![Channel::InApp],
        source: Some(told.source),
    };
    let mut notification = Notification::sent(NotificationId(tx.new_id()), new, tx.now());
    if store::insert_sent_once(tx, &notification).await? {
        store::insert_deliveries(tx, &notification);
        outbox::emit(tx, NotificationSent::from(&notification), &mut notification.stream);
    }
    Ok(())
}

impl From<&Envelope> for SourceEvent {
    fn from(envelope: &Envelope) -> Self {
        Self { id: envelope.id, event_type: envelope.event_type.clone() }
    }
}
