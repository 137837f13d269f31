//! How far a consumer has come with joining a stream.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "inbox_source")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub consumer: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub source: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub aggregate_type: String,
    /// When it began to ask, by its own clock.
    pub began: DateTimeUtc,
    /// Since when it is complete, by the publisher's book; none before the first joining is through.
    pub since: Option<DateTimeUtc>,
    /// The joining that is under way, by the same book.
    pub joining: Option<DateTimeUtc>,
    /// The last aggregate of it that was taken.
    pub taken_up_to: Option<Uuid>,
    /// Snapshots of it that could not be taken.
    pub failed: i64,
    /// It took events before this book was kept.
    pub veteran: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
