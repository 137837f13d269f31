//! Marking many at once. Rule: a statement touches a bounded number of rows, and every row that it changes gets a new
//! version; what is marked already stays as it is.

use super::entity::notification::{Column, Entity};
use chrono::{DateTime, Utc};
use contracts::UserId;
use db::{DbError, Tx};
use sea_orm::sea_query::{Expr, SimpleExpr};
use sea_orm::{ColumnTrait, Condition, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

/// Rows that one statement marks.
pub(crate) const MARKED_AT_ONCE: u64 = 500;

/// How notifications are marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Read,
    Unread,
    Archived,
}

/// Which of a recipient's notifications are meant; drafts never are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Selector {
    Ids(Vec<Uuid>),
    Before(DateTime<Utc>),
    All,
}

/// Where a row stands in the order of creation.
pub(crate) type Position = (DateTime<Utc>, Uuid);

/// The next rows behind `after` that the mark would change, oldest first.
pub(crate) async fn markable(
    tx: &mut Tx,
    recipient: UserId,
    mark: Mark,
    selector: &Selector,
    after: Option<Position>,
) -> Result<Vec<Position>, DbError> {
    let select = Entity::find()
        .select_only()
        .column(Column::CreatedAt)
        .column(Column::Id)
        .filter(Column::RecipientId.eq(recipient.uuid()))
        .filter(Column::SentAt.is_not_null())
        .filter(mark.changes())
        .filter(selector.condition())
        .filter(after.map_or_else(Condition::all, behind))
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id)
        .limit(MARKED_AT_ONCE)
        .lock_exclusive();
    tx.rows(select).await
}

/// Marks these rows; the number of rows changed.
pub(crate) async fn mark(tx: &mut Tx, mark: Mark, rows: &[Position]) -> Result<u64, DbError> {
    let now = tx.now();
    let (column, value) = mark.writes(now);
    let update = Entity::update_many()
        .col_expr(column, value)
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::Id.is_in(rows.iter().map(|(_, id)| *id)));
    tx.run(update).await
}

impl Mark {
    fn changes(self) -> SimpleExpr {
        match self {
            Self::Read => Column::ReadAt.is_null(),
            Self::Unread => Column::ReadAt.is_not_null(),
            Self::Archived => Column::ArchivedAt.is_null(),
        }
    }

    fn writes(self, now: DateTime<Utc>) -> (Column, SimpleExpr) {
        match self {
            Self::Read => (Column::ReadAt, Expr::value(now)),
            Self::Unread => (Column::ReadAt, Expr::value(None::<DateTime<Utc>>)),
            Self::Archived => (Column::ArchivedAt, Expr::value(now)),
        }
    }
}

impl Selector {
    fn condition(&self) -> Condition {
        match self {
            Self::Ids(ids) => Condition::all().add(Column::Id.is_in(ids.iter().copied())),
            Self::Before(instant) => Condition::all().add(Column::CreatedAt.lt(*instant)),
            Self::All => Condition::all(),
        }
    }
}

/// Row by row comparison, spelled out so that an index on the two columns serves it in both databases.
fn behind((created_at, id): Position) -> Condition {
    Condition::all()
        .add(Column::CreatedAt.gte(created_at))
        .add(Condition::any().add(Column::CreatedAt.gt(created_at)).add(Column::Id.gt(id)))
}
