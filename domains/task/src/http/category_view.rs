//! A category as a client sees it.

use crate::domain::Category;
use chrono::{DateTime, Utc};
use contracts::{CategoryId, UserId};
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(super) struct CategoryView<'a> {
    id: CategoryId,
    name: &'a str,
    color: Option<&'a str>,
    description: Option<&'a str>,
    owner_id: UserId,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i64,
}

impl<'a> From<&'a Category> for CategoryView<'a> {
    fn from(category: &'a Category) -> Self {
        Self {
            id: category.id,
            name: category.name.as_str(),
            color: category.color.as_ref().map(|color| color.as_str()),
            description: category.description.as_ref().map(|text| text.as_str()),
            owner_id: category.owner_id,
            created_at: category.created_at,
            updated_at: category.updated_at,
            version: category.version,
        }
    }
}
