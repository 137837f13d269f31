//! A notification as clients see it. Rule: every field of the contract stands in every answer; what has no value yet
//! is null.

use crate::domain::{Delivery, Notification};
use chrono::{DateTime, Utc};
use contracts::{EventId, NotificationId, UserId};
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(super) struct NotificationView<'a> {
    id: NotificationId,
    recipient_id: UserId,
    category: Option<&'a str>,
    title: &'a str,
    body: Option<&'a str>,
    action_url: Option<&'a str>,
    channels: Vec<&'static str>,
    state: &'static str,
    /// Always null until something can be scheduled.
    send_at: Option<DateTime<Utc>>,
    sent_at: Option<DateTime<Utc>>,
    read_at: Option<DateTime<Utc>>,
    archived_at: Option<DateTime<Utc>>,
    source_event: Option<SourceEventView<'a>>,
    deliveries: Vec<DeliveryView<'a>>,
    created_at: DateTime<Utc>,
    version: i64,
}

#[derive(Debug, Serialize)]
struct SourceEventView<'a> {
    id: EventId,
    #[serde(rename = "type")]
    event_type: &'a str,
}

#[derive(Debug, Serialize)]
struct DeliveryView<'a> {
    channel: &'static str,
    state: &'static str,
    attempts: i32,
    last_error: Option<&'a str>,
    next_retry_at: Option<DateTime<Utc>>,
    delivered_at: Option<DateTime<Utc>>,
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
