//! A category as a client sees it.

use crate::domain::Category;
use chrono::{DateTime, Utc};
use contracts::{CategoryId, UserId};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

/// A drawer of one user's tasks.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Category")]
pub(super) struct CategoryView<'a> {
    id: CategoryId,
    /// Unique among the owner's.
    name: &'a str,
    color: Option<&'a str>,
    description: Option<&'a str>,
    owner_id: UserId,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    /// Raised by every change; the ETag says it too.
    #[schemars(range(min = 1))]
    version: i64,
}

/// For the document.
pub(super) fn example() -> Value {
    json!({
        "id": "019b76da-a800-7f31-9d0b-8f1a2b3c4d5e",
        "name": "Home",
        "color": "#ffcc00",
        "description": null,
        "owner_id": "019b76da-a800-7172-980b-52245ebc6f81",
        "created_at": "2026-01-01T00:00:00.000187Z",
        "updated_at": "2026-01-01T00:00:00.000187Z",
        "version": 1,
    })
}

/// A page of one.
pub(super) fn page_example() -> Value {
    json!({ "items": [example()], "next_cursor": null })
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
