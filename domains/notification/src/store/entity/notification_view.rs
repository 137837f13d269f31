//! `notification_view`: a notification with its deliveries as JSON. One statement reads both, so that a version and
//! the deliveries that belong to it cannot drift apart between two reads.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notification_view")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) recipient_id: Uuid,
    pub(crate) created_by: Option<Uuid>,
    pub(crate) category: Option<String>,
    pub(crate) title: String,
    pub(crate) body: Option<String>,
    pub(crate) action_url: Option<String>,
    pub(crate) channels: String,
    pub(crate) state: String,
    pub(crate) sent_at: Option<DateTimeUtc>,
    pub(crate) read_at: Option<DateTimeUtc>,
    pub(crate) archived_at: Option<DateTimeUtc>,
    pub(crate) source_event_id: Option<Uuid>,
    pub(crate) source_event_type: Option<String>,
    pub(crate) created_at: DateTimeUtc,
    pub(crate) updated_at: DateTimeUtc,
    pub(crate) version: i64,
    pub(crate) event_seq: i64,
    /// A JSON list of objects with the columns of `delivery`; instants in microseconds since 1970.
    pub(crate) deliveries: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
