//! Messages that were no events. Rule: nothing in them can be believed, so all of them is shown as text and nothing is
//! done about them from here; whoever sent them sends the event again.

use crate::entity::undecodable::{Column, Entity, Model};
use chrono::{DateTime, Utc};
use db::{Db, DbError};
use schemars::JsonSchema;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::Serialize;
use serde_json::Value;

/// Characters of a body that are shown.
const SHOWN: usize = 2_000;

/// A message that was no event.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "Undecodable")]
pub struct Stray {
    /// Its number in this inbox.
    pub id: i64,
    /// Whose inbox it came to.
    pub consumer: String,
    /// Why it is no event.
    pub error: String,
    /// What the transport said of it.
    pub headers: Value,
    /// The beginning of its body, as far as it is text.
    pub body: String,
    /// Bytes of the whole body.
    pub body_bytes: usize,
    /// When it came.
    pub received_at: DateTime<Utc>,
}

/// Newest first, behind the one of that number.
///
/// # Errors
/// See [`DbError`].
pub async fn strays(db: &Db, consumer: &str, behind: Option<i64>, limit: u64) -> Result<Vec<Stray>, DbError> {
    let mut select = Entity::find().filter(Column::Consumer.eq(consumer));
    if let Some(behind) = behind {
        select = select.filter(Column::Id.lt(behind));
    }
    let rows = db.reader().all(select.order_by_desc(Column::Id).limit(limit)).await?;
    Ok(rows.into_iter().map(Stray::from).collect())
}

impl From<Model> for Stray {
    fn from(row: Model) -> Self {
        Self {
            id: row.id,
            consumer: row.consumer,
            error: row.error,
            headers: row.headers,
            body: String::from_utf8_lossy(&row.body).chars().take(SHOWN).collect(),
            body_bytes: row.body.len(),
            received_at: row.received_at,
        }
    }
}
