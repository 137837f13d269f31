//! One attempt to reach a recipient on one channel. Rule: its id is derived from what caused it, from the recipient
//! and from the channel, so that the same send cannot be stored twice.

use super::channel::Channel;
use chrono::{DateTime, Utc};
use contracts::UserId;
use schemars::json_schema;
use uuid::Uuid;

/// What became of a notification on one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) channel: Channel,
    pub(crate) state: DeliveryState,
    pub(crate) attempts: i32,
    pub(crate) last_error: Option<String>,
    pub(crate) next_retry_at: Option<DateTime<Utc>>,
    pub(crate) delivered_at: Option<DateTime<Utc>>,
}

/// How far a delivery has come. What is delivered in the process is delivered at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeliveryState {
    /// It reached the recipient.
    Delivered,
}

web::schemas! {
    DeliveryState => json_schema!({ "type": "string", "enum": [DeliveryState::Delivered.as_str()] });
}

impl DeliveryState {
    /// The name in JSON and in the store.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
        }
    }

    /// The state of that name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "delivered" => Some(Self::Delivered),
            _ => None,
        }
    }
}

impl Delivery {
    /// A delivery that was made by storing the notification.
    pub(crate) const fn in_place(channel: Channel, now: DateTime<Utc>) -> Self {
        Self {
            channel,
            state: DeliveryState::Delivered,
            attempts: 1,
            last_error: None,
            next_retry_at: None,
            delivered_at: Some(now),
        }
    }

    /// The same for the same cause, recipient and channel, and for nothing else. The cause is the event that is told
    /// of, or a notification that somebody wrote.
    pub(crate) fn id(&self, cause: Uuid, recipient: UserId) -> Uuid {
        Uuid::new_v5(&cause, format!("{recipient}/{}", self.channel).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_follows_from_cause_recipient_and_channel() {
        let (cause, anna, ben) = (Uuid::from_u128(1), UserId(Uuid::from_u128(2)), UserId(Uuid::from_u128(3)));
        let early = Delivery::in_place(Channel::InApp, DateTime::UNIX_EPOCH);
        let late = Delivery::in_place(Channel::InApp, DateTime::UNIX_EPOCH + chrono::Duration::days(1));
        assert_eq!(early.id(cause, anna), late.id(cause, anna));
        assert_ne!(early.id(cause, anna), early.id(cause, ben));
        assert_ne!(early.id(cause, anna), early.id(Uuid::from_u128(4), anna));
        // A stored id must be found again by a later version.
        assert_eq!(early.id(cause, anna).get_version_num(), 5);
    }
}
