//! The one row that says whether this database is older than what others heard of it.

use sea_orm::entity::prelude::*;

/// The key of the row.
pub(crate) const ONE: i32 = 1;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "stream_epoch")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// Of what is emitted.
    pub epoch: i32,
    /// The highest that a consumer has met.
    pub heard: i32,
    /// When it was found that this database is older than what a consumer heard; none while it is not.
    pub older_since: Option<DateTimeUtc>,
    /// By what.
    pub evidence: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
