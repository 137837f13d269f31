//! Refresh tokens, by their hash. Rule: a token is consumed by one conditional statement whose number of changed rows
//! decides; so of many that present the same token one wins, and each token has one successor.

use super::entity::refresh_token::{ActiveModel, Column, Entity, Model};
use super::entity::{session, user};
use crate::crypto::TokenHash;
use crate::domain::REFRESH_GRACE;
use chrono::{DateTime, Utc};
use contracts::SessionId;
use db::{DbError, Tx};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait, Set};
use uuid::Uuid;

/// A token as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct StoredToken {
    pub(crate) id: Uuid,
    pub(crate) session_id: SessionId,
    pub(crate) idle_exp: DateTime<Utc>,
    pub(crate) consumed_at: Option<DateTime<Utc>>,
    pub(crate) successor_ct: Option<Vec<u8>>,
}

/// A token that is to be stored.
#[derive(Debug)]
pub(crate) struct NewToken {
    pub(crate) session_id: SessionId,
    pub(crate) hash: TokenHash,
    pub(crate) parent_id: Option<Uuid>,
    pub(crate) idle_exp: DateTime<Utc>,
}

pub(crate) fn insert(tx: &mut Tx, new: &NewToken) {
    tx.push(Entity::insert(ActiveModel {
        id: Set(tx.new_id()),
        session_id: Set(new.session_id.uuid()),
        hash: Set(new.hash.to_vec()),
        parent_id: Set(new.parent_id),
        created_at: Set(tx.now()),
        idle_exp: Set(new.idle_exp),
        consumed_at: Set(None),
        successor_ct: Set(None),
    }));
}

/// Uses the token up, if it is unused, in time, of a live session and of an enabled user; whether it did.
pub(crate) async fn consume(tx: &mut Tx, hash: &TokenHash, successor_ct: &[u8]) -> Result<bool, DbError> {
    let live = Query::select()
        .expr(Expr::val(1))
        .from(session::Entity)
        .inner_join(
            user::Entity,
            Expr::col((user::Entity, user::Column::Id)).equals((session::Entity, session::Column::UserId)),
        )
        .and_where(Expr::col((session::Entity, session::Column::Id)).equals((Entity, Column::SessionId)))
        .and_where(session::Column::RevokedAt.is_null())
        .and_where(session::Column::AbsoluteExp.gt(tx.now()))
        .and_where(user::Column::IsActive.eq(true))
        .to_owned();
    let row = ActiveModel {
        consumed_at: Set(Some(tx.now())),
        successor_ct: Set(Some(successor_ct.to_vec())),
        ..ActiveModel::default()
    };
    let consuming = Entity::update_many()
        .set(row)
        .filter(Column::Hash.eq(hash.to_vec()))
        .filter(Column::ConsumedAt.is_null())
        .filter(Column::IdleExp.gt(tx.now()))
        .filter(Expr::exists(live));
    Ok(tx.run(consuming).await? == 1)
}

pub(crate) async fn find(tx: &mut Tx, hash: &TokenHash) -> Result<Option<StoredToken>, DbError> {
    Ok(tx.one(Entity::find().filter(Column::Hash.eq(hash.to_vec()))).await?.map(token))
}

/// The token that was given out for `parent`.
pub(crate) async fn find_successor(tx: &mut Tx, parent: Uuid) -> Result<Option<StoredToken>, DbError> {
    Ok(tx.one(Entity::find().filter(Column::ParentId.eq(parent))).await?.map(token))
}

/// Removes tokens that are too old to be used; until then a used one is kept, so that its reuse is noticed.
pub(crate) async fn sweep(tx: &mut Tx, most: u64) -> Result<u64, DbError> {
    let old = Entity::find().select_only().column(Column::Id).filter(Column::IdleExp.lt(tx.now())).limit(most);
    tx.run(Entity::delete_many().filter(Column::Id.in_subquery(old.into_query()))).await
}

/// Wipes sealed successors that nobody may ask for any more.
pub(crate) async fn wipe_sealed(tx: &mut Tx, most: u64) -> Result<u64, DbError> {
    let sealed = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::SuccessorCt.is_not_null())
        .filter(Column::ConsumedAt.lt(tx.now() - REFRESH_GRACE))
        .limit(most);
    let row = ActiveModel { successor_ct: Set(None), ..ActiveModel::default() };
    tx.run(Entity::update_many().set(row).filter(Column::Id.in_subquery(sealed.into_query()))).await
}

fn token(row: Model) -> StoredToken {
    StoredToken {
        id: row.id,
        session_id: SessionId(row.session_id),
        idle_exp: row.idle_exp,
        consumed_at: row.consumed_at,
        successor_ct: row.successor_ct,
    }
}
