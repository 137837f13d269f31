//! Single notifications. Rule: whoever changes one has read it in the same transaction under a lock.

use super::entity::{delivery, notification, notification_view};
use super::rows::{to_delivery_rows, to_notification, to_row};
use super::visibility::Viewer;
use crate::domain::Notification;
use contracts::NotificationId;
use db::{DbError, Reader, Tx};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, Select};

/// The notification as it is, if the viewer may see it.
pub(crate) async fn get(reader: &Reader, id: NotificationId, viewer: Viewer) -> Result<Option<Notification>, DbError> {
    reader.one(find(id, viewer)).await?.map(to_notification).transpose()
}

/// The same, locked until the transaction ends.
pub(crate) async fn get_for_update(
    tx: &mut Tx,
    id: NotificationId,
    viewer: Viewer,
) -> Result<Option<Notification>, DbError> {
    tx.one(find(id, viewer).lock_exclusive()).await?.map(to_notification).transpose()
}

/// Stores a new one with its deliveries.
pub(crate) fn insert(tx: &mut Tx, notification: &Notification) {
    tx.push(notification::Entity::insert(to_row(notification)));
    insert_deliveries(tx, notification);
}

/// Stores one that an event caused and that was sent in the same breath, without its deliveries; false when that
/// event had been told to that recipient before, so that nothing was stored. The caller goes on to emit
/// `notification.sent`, the first event of its stream, which the row has to know already: a second statement would
/// only correct it.
pub(crate) async fn insert_sent_once(tx: &mut Tx, notification: &Notification) -> Result<bool, DbError> {
    let mut row = to_row(notification);
    row.event_seq = Set(notification.stream.seq + 1);
    let told_before = OnConflict::columns([notification::Column::SourceEventId, notification::Column::RecipientId])
        .do_nothing()
        .to_owned();
    Ok(tx.run(notification::Entity::insert(row).on_conflict(told_before)).await? == 1)
}

/// Stores the deliveries of a notification that had none.
pub(crate) fn insert_deliveries(tx: &mut Tx, notification: &Notification) {
    for row in to_delivery_rows(notification) {
        tx.push(delivery::Entity::insert(row));
    }
}

/// Raises the version and stores what can change.
pub(crate) fn update(tx: &mut Tx, notification: &mut Notification) {
    notification.version += 1;
    let changed = notification::ActiveModel {
        state: Set(notification.state.as_str().to_owned()),
        sent_at: Set(notification.sent_at),
        read_at: Set(notification.read_at),
        archived_at: Set(notification.archived_at),
        updated_at: Set(notification.updated_at),
        version: Set(notification.version),
        event_seq: Set(notification.stream.seq),
        ..Default::default()
    };
    let this = notification::Column::Id.eq(notification.id.uuid());
    tx.push(notification::Entity::update_many().set(changed).filter(this));
}

/// Removes it; its deliveries go with it.
pub(crate) fn delete(tx: &mut Tx, id: NotificationId) {
    tx.push(notification::Entity::delete_many().filter(notification::Column::Id.eq(id.uuid())));
}

fn find(id: NotificationId, viewer: Viewer) -> Select<notification_view::Entity> {
    notification_view::Entity::find().filter(notification_view::Column::Id.eq(id.uuid())).filter(viewer.condition())
}
