//! `notification`: the table that is written. Read through `notification_view`, which adds the deliveries.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notification")]
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
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
