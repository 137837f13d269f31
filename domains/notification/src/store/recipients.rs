//! What is known of recipients. Rule: a tombstone is never written over.

use super::entity::recipient::{ActiveModel, Column, Entity, Model};
use crate::domain::{Profile, Standing};
use contracts::UserId;
use db::{DbError, Reader, Tx};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, QuerySelect, Select};

/// What is known of somebody, locked until the transaction ends, so that nobody is deleted in between.
pub(crate) async fn standing(tx: &mut Tx, user: UserId) -> Result<Standing, DbError> {
    Ok(to_standing(tx.one(find(user).lock_exclusive()).await?.as_ref()))
}

/// The same outside a transaction: true at this moment only.
pub(crate) async fn standing_now(reader: &Reader, user: UserId) -> Result<Standing, DbError> {
    Ok(to_standing(reader.one(find(user)).await?.as_ref()))
}

/// Keeps what an event says of a living user; false when the user is gone, so that nothing was kept.
pub(crate) async fn save_profile(tx: &mut Tx, profile: &Profile) -> Result<bool, DbError> {
    let row = ActiveModel {
        id: Set(profile.user.uuid()),
        username: Set(Some(profile.username.clone())),
        email: Set(Some(profile.email.clone())),
        display_name: Set(profile.display_name.clone()),
        timezone: Set(Some(profile.timezone.clone())),
        is_active: Set(Some(profile.is_active)),
        deleted_at: Set(None),
        erase_pending: Set(false),
        created_at: Set(tx.now()),
        updated_at: Set(tx.now()),
    };
    let known_before = OnConflict::column(Column::Id)
        .update_columns([
            Column::Username,
            Column::Email,
            Column::DisplayName,
            Column::Timezone,
            Column::IsActive,
            Column::UpdatedAt,
        ])
        .action_and_where(Column::DeletedAt.is_null())
        .to_owned();
    Ok(tx.run(Entity::insert(row).on_conflict(known_before)).await? == 1)
}

/// Leaves of a recipient only that there was one.
pub(crate) async fn bury(tx: &mut Tx, user: UserId, erase_pending: bool) -> Result<(), DbError> {
    let row = ActiveModel {
        id: Set(user.uuid()),
        username: Set(None),
        email: Set(None),
        display_name: Set(None),
        timezone: Set(None),
        is_active: Set(None),
        deleted_at: Set(Some(tx.now())),
        erase_pending: Set(erase_pending),
        created_at: Set(tx.now()),
        updated_at: Set(tx.now()),
    };
    let known_before = OnConflict::column(Column::Id)
        .update_columns([
            Column::Username,
            Column::Email,
            Column::DisplayName,
            Column::Timezone,
            Column::IsActive,
            Column::DeletedAt,
            Column::ErasePending,
            Column::UpdatedAt,
        ])
        .action_and_where(Column::DeletedAt.is_null())
        .to_owned();
    tx.run(Entity::insert(row).on_conflict(known_before)).await.map(drop)
}

fn find(user: UserId) -> Select<Entity> {
    Entity::find_by_id(user.uuid())
}

const fn to_standing(row: Option<&Model>) -> Standing {
    match row {
        None => Standing::Unknown,
        Some(Model { deleted_at: None, .. }) => Standing::Known,
        Some(Model { deleted_at: Some(_), .. }) => Standing::Gone,
    }
}
