//! What a message is to its consumer. Rule: nothing in a message that is no event is believed, and nothing of it is lost.

use crate::message;
use bus::{Deliver, Infrastructure, Undecodable};
use contracts::Envelope;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicRejectOptions};
use lapin::types::ShortString;
use uuid::Uuid;

/// What a queue holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Events.
    Inbox,
    /// What could not be read or came back too often.
    Dead,
}

/// What a message turned out to be.
pub(super) enum Item {
    Event(Box<Envelope>),
    /// In the inbox's queue: to be dead-lettered.
    Unreadable(String),
    /// In the dead queue: to be kept.
    Dead(Undecodable),
}

/// Whose events must not overtake each other.
pub(super) type Key = (String, Uuid);

impl Item {
    pub(super) fn read(kind: Kind, delivery: &Delivery) -> Self {
        match (kind, message::decode(delivery)) {
            (Kind::Inbox, Ok(envelope)) => Self::Event(Box::new(envelope)),
            (Kind::Inbox, Err(error)) => Self::Unreadable(error),
            (Kind::Dead, decoded) => Self::Dead(Undecodable {
                headers: message::circumstances(delivery).to_string(),
                body: delivery.data.clone(),
                error: decoded.err().unwrap_or_else(|| "the broker gave up delivering it".to_owned()),
            }),
        }
    }

    pub(super) fn key(&self) -> Option<Key> {
        match self {
            Self::Event(envelope) => Some((envelope.aggregate().to_owned(), envelope.aggregate_id)),
            Self::Unreadable(_) | Self::Dead(_) => None,
        }
    }

    /// The event that it is.
    pub(super) fn event(&self) -> Option<Envelope> {
        match self {
            Self::Event(envelope) => Some(envelope.as_ref().clone()),
            Self::Unreadable(_) | Self::Dead(_) => None,
        }
    }

    /// Gives it to whoever keeps it.
    pub(super) async fn hand_over(&self, inbox: &dyn Deliver) -> Result<(), Infrastructure> {
        match self {
            Self::Event(envelope) => inbox.deliver(envelope.as_ref().clone()).await.map(drop),
            Self::Unreadable(_) => Ok(()),
            Self::Dead(dead) => inbox.undecodable(dead.clone()).await,
        }
    }

    /// Tells the broker that its fate is durable, and, for several, that of all before it; whether it was told. Where it was
    /// not, the message comes again and the inbox knows it.
    pub(super) async fn settle(&self, queue: &ShortString, delivery: &Delivery, multiple: bool) -> bool {
        let told = if let Self::Unreadable(error) = self {
            let message_id = delivery.properties.message_id().as_ref().map(ShortString::as_str);
            tracing::error!(%queue, message_id, error, "a message is no event; it is dead-lettered");
            delivery.reject(BasicRejectOptions { requeue: false }).await
        } else {
            delivery.ack(BasicAckOptions { multiple }).await
        };
        let done = matches!(told, Ok(true));
        if !done {
            tracing::debug!(%queue, ?told, "a message could not be settled; it comes again");
        }
        done
    }
}
