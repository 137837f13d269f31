//! What the database says of itself.

use crate::entity::stream_epoch::{Entity, Model, ONE};
use chrono::{DateTime, Utc};
use db::{Db, DbError};
use sea_orm::EntityTrait;

/// Whether this database is older than what others heard of it, and the epoch of what it emits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    pub epoch: i32,
    pub older: Option<(DateTime<Utc>, String)>,
}

impl Standing {
    /// What operators and clients are told; none while all is well.
    pub(crate) fn trouble(&self, domain: &str) -> Option<String> {
        let (since, evidence) = self.older.as_ref()?;
        Some(format!(
            "the database of {domain} is older than what others heard of it ({evidence}; noticed {}). Was it put back from \
             a backup? Nothing is published and nothing that emits an event is accepted, because consumers would take it \
             for something they know. If a newer copy exists, stop and put that one in its place; if this is the one to \
             go on with: cleave events restored {domain}",
            since.format("%Y-%m-%dT%H:%M:%SZ")
        ))
    }
}

/// Reads it.
pub(crate) async fn read(db: &Db) -> Result<Standing, DbError> {
    let row = db.reader().one(Entity::find_by_id(ONE)).await?;
    let row = row.ok_or_else(|| DbError::Decode("stream_epoch has no row".to_owned()))?;
    Ok(standing(row))
}

fn standing(row: Model) -> Standing {
    Standing { epoch: row.epoch, older: row.older_since.zip(row.evidence) }
}
