//! Events of the notification domain, version 1. Aggregate: `notification`.

use crate::event::impl_event;
use crate::ids::{NotificationId, UserId};
use serde::{Deserialize, Serialize};

/// A notification reached its recipient on every channel it was meant for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NotificationSent {
    /// The notification.
    pub notification_id: NotificationId,
    /// Whom it was for.
    pub recipient_id: UserId,
    /// The channels it went out on: `in_app`.
    pub channels: Vec<String>,
}

impl_event!("notification" / "notification":
    NotificationSent => "sent",
);
