//! A notification as clients see it. Rule: every field of the contract stands in every answer; what has no value yet
//! is null.

use crate::domain::{Channel, Delivery, DeliveryState, Notification, State};
use chrono::{DateTime, Utc};
use contracts::{EventId, NotificationId, UserId};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

/// A message to one user.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Notification")]
pub(super) struct NotificationView<'a> {
    id: NotificationId,
    recipient_id: UserId,
    /// What the recipient sorts by: the type of the event that it tells of, or a word of its author.
    category: Option<&'a str>,
    title: &'a str,
    body: Option<&'a str>,
    /// Where a click leads.
    action_url: Option<&'a str>,
    #[schemars(with = "Vec<Channel>")]
    channels: Vec<&'static str>,
    #[schemars(with = "State")]
    state: &'static str,
    /// Null: nothing can be scheduled yet.
    send_at: Option<DateTime<Utc>>,
    sent_at: Option<DateTime<Utc>>,
    read_at: Option<DateTime<Utc>>,
    archived_at: Option<DateTime<Utc>>,
    source_event: Option<SourceEventView<'a>>,
    deliveries: Vec<DeliveryView<'a>>,
    created_at: DateTime<Utc>,
    /// Raised by every change; the ETag says it too.
    #[schemars(range(min = 1))]
    version: i64,
}

/// The event that a notification tells of.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SourceEvent")]
struct SourceEventView<'a> {
    id: EventId,
    #[serde(rename = "type")]
    event_type: &'a str,
}

/// What became of a notification on one channel.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Delivery")]
struct DeliveryView<'a> {
    #[schemars(with = "Channel")]
    channel: &'static str,
    #[schemars(with = "DeliveryState")]
    state: &'static str,
    #[schemars(range(min = 0))]
    attempts: i32,
    last_error: Option<&'a str>,
    next_retry_at: Option<DateTime<Utc>>,
    delivered_at: Option<DateTime<Utc>>,
}

/// For the document.
pub(super) fn example() -> Value {
    json!({
        "id": "019b76da-a800-7748-9566-b239e27b5f24",
        "recipient_id": "019b76da-a800-7172-980b-52245ebc6f81",
        "category": "task.completed",
        "title": "Completed: Write the plan",
        "body": "The task \"Write the plan\" is done.",
        "action_url": "/api/v1/tasks/019b76da-a800-74e2-b496-ed8a6cd71049",
        "channels": ["in_app"],
        "state": "sent",
        "send_at": null,
        "sent_at": "2026-01-01T00:00:00.000248Z",
        "read_at": null,
        "archived_at": null,
        "source_event": { "id": "019b76da-a800-74e2-b496-ed8d4d71d48a", "type": "task.completed.v1" },
        "deliveries": [{
            "channel": "in_app",
            "state": "delivered",
            "attempts": 1,
            "last_error": null,
            "next_retry_at": null,
            "delivered_at": "2026-01-01T00:00:00.000248Z",
        }],
        "created_at": "2026-01-01T00:00:00.000248Z",
        "version": 1,
    })
}

/// The address of a notification.
pub(super) fn location(id: NotificationId) -> String {
    format!("/api/v1/notifications/{id}")
}

impl<'a> From<&'a Notification> for NotificationView<'a> {
    fn from(notification: &'a Notification) -> Self {
        let content = &notification.content;
        Self {
            id: notification.id,
            recipient_id: notification.recipient,
            category: content.category.as_ref().map(|text| text.as_str()),
            title: content.title.as_str(),
            body: content.body.as_ref().map(|text| text.as_str()),
            action_url: content.action_url.as_ref().map(|text| text.as_str()),
            channels: notification.channels.iter().map(|channel| channel.as_str()).collect(),
            state: notification.state.as_str(),
            send_at: None,
            sent_at: notification.sent_at,
            read_at: notification.read_at,
            archived_at: notification.archived_at,
            source_event: notification
                .source
                .as_ref()
                .map(|source| SourceEventView { id: source.id, event_type: &source.event_type }),
            deliveries: notification.deliveries.iter().map(DeliveryView::from).collect(),
            created_at: notification.created_at,
            version: notification.version,
        }
    }
}

impl<'a> From<&'a Delivery> for DeliveryView<'a> {
    fn from(delivery: &'a Delivery) -> Self {
        Self {
            channel: delivery.channel.as_str(),
            state: delivery.state.as_str(),
            attempts: delivery.attempts,
            last_error: delivery.last_error.as_deref(),
            next_retry_at: delivery.next_retry_at,
            delivered_at: delivery.delivered_at,
        }
    }
}
