//! What operators did, and what the system gave up by itself. Rule: one row for each change, written with it; a call that
//! changes nothing leaves none.

use super::audit_row::{ActiveModel, Column, Entity};
use super::filter::Window;
use chrono::{DateTime, Utc};
use db::{Db, DbError, Tx};
use schemars::JsonSchema;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use serde::Serialize;
use uuid::Uuid;

/// Something that an operator did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "AuditEntry")]
pub struct Audited {
    /// The entry.
    pub id: Uuid,
    /// Who; `nobody` for what the system did by itself.
    pub actor_id: String,
    /// `retry`, `skip`, `replay`, `give_up` or `restored`; `lost` for events that a consumer goes on without, because
    /// neither they nor what they were about can be had any more.
    pub action: String,
    /// `<domain>/<event>`; of what was lost `<domain>/<publisher>.<aggregate>/<id>/<first>-<last>`.
    pub target: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// The action of what was lost for good.
pub(crate) const LOST: &str = "lost";

/// How often something was lost for good since then.
pub(crate) async fn lost_since(db: &Db, then: DateTime<Utc>) -> Result<i64, DbError> {
    let lost = Entity::find()
        .select_only()
        .column_as(Column::Id.count(), "lost")
        .filter(Column::Action.eq(LOST))
        .filter(Column::At.gte(then));
    Ok(db.reader().rows::<(i64,)>(lost).await?.into_iter().next().map_or(0, |(lost,)| lost))
}

/// What operators did in a domain, newest first.
///
/// # Errors
/// See [`DbError`].
pub async fn audited(db: &Db, window: Window) -> Result<Vec<Audited>, DbError> {
    let mut select = Entity::find();
    if let Some(behind) = window.behind {
        select = select.filter(Column::Id.lt(behind));
    }
    let rows = db.reader().all(select.order_by_desc(Column::Id).limit(window.limit)).await?;
    let view = |row: super::audit_row::Model| Audited {
        id: row.id,
        actor_id: row.actor_id,
        action: row.action,
        target: row.target,
        at: row.at,
    };
    Ok(rows.into_iter().map(view).collect())
}

/// Notes what the caller of the transaction does, or what the system does by itself.
pub(crate) fn note(tx: &mut Tx, action: &str, target: String) {
    let actor = tx.context().caller.map_or_else(|| "nobody".to_owned(), |caller| caller.to_string());
    let row = ActiveModel {
        id: Set(tx.new_id()),
        actor_id: Set(actor),
        action: Set(action.to_owned()),
        target: Set(target),
        at: Set(tx.now()),
    };
    tx.push(Entity::insert(row));
}
