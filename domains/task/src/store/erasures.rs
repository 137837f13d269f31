//! The table `user_erasure`: deleted users whose tasks are still to be worked through. Rule: written with the
//! deletion's effect, removed with the last batch, so none is forgotten and none is done for ever.

use chrono::{DateTime, Utc};
use contracts::{Envelope, UserId};
use db::{DbError, Reader, Tx};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

mod row {
    //! The entity.
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "user_erasure")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: Uuid,
        pub event_id: Uuid,
        pub correlation_id: Option<String>,
        pub requested_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A deleted user, and the event that said so.
#[derive(Debug, Clone)]
pub(crate) struct Erasure {
    pub(crate) user: UserId,
    pub(crate) event_id: Uuid,
    pub(crate) correlation_id: Option<String>,
}

/// Puts the user down for the job; once is enough.
pub(crate) async fn request_erasure(tx: &mut Tx, user: UserId, heard: &Envelope) -> Result<(), DbError> {
    let requested_at: DateTime<Utc> = tx.now();
    let row = row::ActiveModel {
        user_id: Set(user.uuid()),
        event_id: Set(heard.id.uuid()),
        correlation_id: Set(heard.correlation_id.clone()),
        requested_at: Set(requested_at),
    };
    let again = OnConflict::column(row::Column::UserId).do_nothing().to_owned();
    tx.run(row::Entity::insert(row).on_conflict(again)).await.map(drop)
}

/// The one that waits longest.
pub(crate) async fn next_erasure(reader: &Reader) -> Result<Option<Erasure>, DbError> {
    let find = row::Entity::find().order_by_asc(row::Column::RequestedAt).order_by_asc(row::Column::UserId);
    Ok(reader.one(find).await?.map(|row| Erasure {
        user: UserId(row.user_id),
        event_id: row.event_id,
        correlation_id: row.correlation_id,
    }))
}

pub(crate) async fn finish_erasure(tx: &mut Tx, user: UserId) -> Result<(), DbError> {
    // Another process may have finished first; then there is nothing to remove.
    tx.run(row::Entity::delete_many().filter(row::Column::UserId.eq(user.uuid()))).await.map(drop)
}
