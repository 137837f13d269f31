//! The two numbers beside an inbox: what lies in it, and what of that was not read.

use super::entity::notification::{Column, Entity};
use contracts::UserId;
use db::{DbError, Reader, Tx};
use schemars::JsonSchema;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, Select};
use serde::Serialize;

/// The two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Counts {
    pub(crate) unread: i64,
    pub(crate) total: i64,
}

/// Of the recipients' inboxes, outside a transaction.
pub(crate) async fn counts(reader: &Reader, recipients: &[UserId]) -> Result<Counts, DbError> {
    reader.rows(count(recipients)).await.map(to_counts)
}

/// Of one recipient's inbox, with what the transaction has changed so far.
pub(crate) async fn counts_of(tx: &mut Tx, recipient: UserId) -> Result<Counts, DbError> {
    tx.rows(count(&[recipient])).await.map(to_counts)
}

/// In the inbox is what was sent and not put away.
pub(super) fn in_inbox() -> Condition {
    Condition::all().add(Column::SentAt.is_not_null()).add(Column::ArchivedAt.is_null())
}

fn count(recipients: &[UserId]) -> Select<Entity> {
    Entity::find()
        .select_only()
        .expr(Column::Id.count())
        .expr(Column::ReadAt.count())
        .filter(Column::RecipientId.is_in(recipients.iter().map(|user| user.uuid())))
        .filter(in_inbox())
}

fn to_counts(rows: Vec<(i64, i64)>) -> Counts {
    let (total, read) = rows.into_iter().next().unwrap_or_default();
    Counts { unread: total - read, total }
}
