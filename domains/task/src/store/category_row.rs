//! The table `category`, and how a row and a category become each other.

use crate::domain::{Category, CategoryName, Color, Description};
use contracts::{CategoryId, UserId};
use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "category")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub owner_id: Uuid,
    pub name: String,
    pub color: Option<String>,
    pub description: Option<String>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl From<Model> for Category {
    fn from(row: Model) -> Self {
        Self {
            id: CategoryId(row.id),
            owner_id: UserId(row.owner_id),
            name: CategoryName::stored(row.name),
            color: row.color.map(Color::stored),
            description: row.description.map(Description::stored),
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        }
    }
}

impl From<&Category> for ActiveModel {
    fn from(category: &Category) -> Self {
        Self {
            id: Set(category.id.uuid()),
            owner_id: Set(category.owner_id.uuid()),
            name: Set(category.name.as_str().to_owned()),
            color: Set(category.color.as_ref().map(|color| color.as_str().to_owned())),
            description: Set(category.description.as_ref().map(|text| text.as_str().to_owned())),
            created_at: Set(category.created_at),
            updated_at: Set(category.updated_at),
            version: Set(category.version),
        }
    }
}
