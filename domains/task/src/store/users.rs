//! The domain's own picture of the users, drawn from what it hears of them. Rule: whoever is marked deleted stays so;
//! hearing something twice changes nothing.

use super::user_row::{ActiveModel, Column, Entity};
use chrono::{DateTime, Utc};
use contracts::UserId;
use db::{DbError, Reader, Tx};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

/// Something is known of the user, be it the deletion.
pub(crate) async fn is_known_user(reader: &Reader, user: UserId) -> Result<bool, DbError> {
    Ok(reader.one(Entity::find_by_id(user.uuid())).await?.is_some())
}

/// The user is there and may sign in. Locks the row against a deletion until the commit.
pub(crate) async fn is_active_user(tx: &mut Tx, user: UserId) -> Result<bool, DbError> {
    let find = Entity::find_by_id(user.uuid())
        .filter(Column::IsActive.eq(true))
        .filter(Column::DeletedAt.is_null())
        .lock_shared();
    Ok(tx.one(find).await?.is_some())
}

/// Notes that there is such a user, and whether active.
pub(crate) async fn note_user(tx: &mut Tx, user: UserId, is_active: bool) -> Result<(), DbError> {
    upsert(tx, user, is_active, None, &[Column::IsActive, Column::UpdatedAt]).await
}

/// Notes that the user is gone; also when nothing was heard of them before.
pub(crate) async fn note_deleted_user(tx: &mut Tx, user: UserId) -> Result<(), DbError> {
    let now = tx.now();
    upsert(tx, user, false, Some(now), &[Column::IsActive, Column::DeletedAt, Column::UpdatedAt]).await
}

async fn upsert(
    tx: &mut Tx,
    user: UserId,
    is_active: bool,
    deleted_at: Option<DateTime<Utc>>,
    changing: &[Column],
) -> Result<(), DbError> {
    let now = tx.now();
    let row = ActiveModel {
        user_id: Set(user.uuid()),
        is_active: Set(is_active),
        deleted_at: Set(deleted_at),
        created_at: Set(now),
        updated_at: Set(now),
    };
    let known = OnConflict::column(Column::UserId).update_columns(changing.iter().copied()).to_owned();
    tx.run(Entity::insert(row).on_conflict(known)).await.map(drop)
}
