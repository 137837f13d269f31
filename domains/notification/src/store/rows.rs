//! Rows to values and back. Rule: a stored value that no rule allows is an error of decoding, never a default.

use super::entity::{delivery, notification, notification_view};
use crate::domain::{
    ActionUrl, Body, Category, Channel, Content, Delivery, DeliveryState, Notification, SourceEvent, State, Title,
};
use chrono::{DateTime, Utc};
use contracts::{EventId, NotificationId, Stream, UserId};
use db::DbError;
use sea_orm::ActiveValue::Set;
use serde::Deserialize;

/// A delivery inside `notification_view`.
#[derive(Deserialize)]
struct DeliveryJson {
    channel: String,
    state: String,
    attempts: i32,
    last_error: Option<String>,
    next_retry_at: Option<i64>,
    delivered_at: Option<i64>,
}

/// A row of the view as a value.
pub(super) fn to_notification(row: notification_view::Model) -> Result<Notification, DbError> {
    let id = NotificationId(row.id);
    Ok(Notification {
        id,
        recipient: UserId(row.recipient_id),
        created_by: row.created_by.map(UserId),
        content: Content {
            category: row.category.map(Category::stored),
            title: Title::stored(row.title),
            body: row.body.map(Body::stored),
            action_url: row.action_url.map(ActionUrl::stored),
        },
        channels: row.channels.split(',').map(to_channel).collect::<Result<_, _>>()?,
        state: State::from_name(&row.state).ok_or_else(|| unknown("state", &row.state))?,
        sent_at: row.sent_at,
        read_at: row.read_at,
        archived_at: row.archived_at,
        source: row
            .source_event_id
            .zip(row.source_event_type)
            .map(|(id, event_type)| SourceEvent { id: EventId(id), event_type }),
        deliveries: to_deliveries(&row.deliveries)?,
        created_at: row.created_at,
        updated_at: row.updated_at,
        version: row.version,
        stream: Stream::at(Notification::AGGREGATE, id.uuid(), row.event_seq),
    })
}

/// A value as a row of the table.
pub(super) fn to_row(notification: &Notification) -> notification::ActiveModel {
    let Content { category, title, body, action_url } = &notification.content;
    let source = notification.source.as_ref();
    notification::ActiveModel {
        id: Set(notification.id.uuid()),
        recipient_id: Set(notification.recipient.uuid()),
        created_by: Set(notification.created_by.map(UserId::uuid)),
        category: Set(category.as_ref().map(|text| text.as_str().to_owned())),
        title: Set(title.as_str().to_owned()),
        body: Set(body.as_ref().map(|text| text.as_str().to_owned())),
        action_url: Set(action_url.as_ref().map(|text| text.as_str().to_owned())),
        channels: Set(notification.channels.iter().map(|channel| channel.as_str()).collect::<Vec<_>>().join(",")),
        state: Set(notification.state.as_str().to_owned()),
        sent_at: Set(notification.sent_at),
        read_at: Set(notification.read_at),
        archived_at: Set(notification.archived_at),
        source_event_id: Set(source.map(|source| source.id.uuid())),
        source_event_type: Set(source.map(|source| source.event_type.clone())),
        created_at: Set(notification.created_at),
        updated_at: Set(notification.updated_at),
        version: Set(notification.version),
        event_seq: Set(notification.stream.seq),
    }
}

/// The rows of a notification's deliveries.
pub(super) fn to_delivery_rows(notification: &Notification) -> impl Iterator<Item = delivery::ActiveModel> {
    let (id, cause, recipient) = (notification.id.uuid(), notification.cause(), notification.recipient);
    notification.deliveries.iter().map(move |delivery| delivery::ActiveModel {
        id: Set(delivery.id(cause, recipient)),
        notification_id: Set(id),
        channel: Set(delivery.channel.as_str().to_owned()),
        state: Set(delivery.state.as_str().to_owned()),
        attempts: Set(delivery.attempts),
        last_error: Set(delivery.last_error.clone()),
        next_retry_at: Set(delivery.next_retry_at),
        delivered_at: Set(delivery.delivered_at),
    })
}

fn to_deliveries(json: &str) -> Result<Vec<Delivery>, DbError> {
    let rows: Vec<DeliveryJson> =
        serde_json::from_str(json).map_err(|error| DbError::Decode(format!("deliveries: {error}")))?;
    rows.into_iter().map(to_delivery).collect()
}

fn to_delivery(row: DeliveryJson) -> Result<Delivery, DbError> {
    Ok(Delivery {
        channel: to_channel(&row.channel)?,
        state: DeliveryState::from_name(&row.state).ok_or_else(|| unknown("delivery state", &row.state))?,
        attempts: row.attempts,
        last_error: row.last_error,
        next_retry_at: row.next_retry_at.map(to_instant).transpose()?,
        delivered_at: row.delivered_at.map(to_instant).transpose()?,
    })
}

fn to_channel(name: &str) -> Result<Channel, DbError> {
    Channel::from_name(name).ok_or_else(|| unknown("channel", name))
}

fn to_instant(micros: i64) -> Result<DateTime<Utc>, DbError> {
    DateTime::from_timestamp_micros(micros).ok_or_else(|| unknown("instant", &micros.to_string()))
}

fn unknown(what: &str, value: &str) -> DbError {
    DbError::Decode(format!("{value} is not a known {what}"))
}
