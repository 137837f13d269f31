//! A refresh token, by its hash.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "refresh_token")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub session_id: Uuid,
    pub hash: Vec<u8>,
    pub parent_id: Option<Uuid>,
    pub created_at: DateTimeUtc,
    pub idle_exp: DateTimeUtc,
    pub consumed_at: Option<DateTimeUtc>,
    pub successor_ct: Option<Vec<u8>>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
