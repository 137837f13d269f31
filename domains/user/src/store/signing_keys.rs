//! The stored signing keys. Rule: the database allows one active and one next key, so of two processes that make one at
//! once one does.

use super::entity::signing_key::{ActiveModel, Column, Entity, Model};
use crate::crypto::{FreshKey, StoredKey};
use crate::domain::{KeyLife, KeyState};
use db::{DbError, Reader, Tx};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};

/// All of them, oldest first.
pub(crate) async fn all(reader: &Reader) -> Result<Vec<StoredKey>, DbError> {
    reader.all(Entity::find().order_by_asc(Column::CreatedAt)).await?.into_iter().map(key).collect()
}

/// All of them, locked until the transaction ends, in one order.
pub(crate) async fn lock(tx: &mut Tx) -> Result<Vec<StoredKey>, DbError> {
    tx.all(Entity::find().order_by_asc(Column::Kid).lock_exclusive()).await?.into_iter().map(key).collect()
}

/// Stores a new one at once.
pub(crate) async fn insert(tx: &mut Tx, key: &FreshKey, state: KeyState) -> Result<(), DbError> {
    let row = ActiveModel {
        kid: Set(key.kid.clone()),
        state: Set(state.as_str().to_owned()),
        public_jwk: Set(key.public_jwk.clone()),
        private_ct: Set(key.private_ct.clone()),
        created_at: Set(tx.now()),
        activated_at: Set((state == KeyState::Active).then(|| tx.now())),
        retired_at: Set(None),
    };
    tx.run(Entity::insert(row)).await.map(drop)
}

/// Lets that one sign instead of the present one. In this order: at no instant there are two.
pub(crate) async fn activate(tx: &mut Tx, kid: &str) -> Result<(), DbError> {
    let retired = ActiveModel {
        state: Set(KeyState::Retired.as_str().to_owned()),
        retired_at: Set(Some(tx.now())),
        ..ActiveModel::default()
    };
    tx.run(Entity::update_many().set(retired).filter(Column::State.eq(KeyState::Active.as_str()))).await?;
    let active = ActiveModel {
        state: Set(KeyState::Active.as_str().to_owned()),
        activated_at: Set(Some(tx.now())),
        ..ActiveModel::default()
    };
    tx.push(Entity::update_many().set(active).filter(Column::Kid.eq(kid)));
    Ok(())
}

pub(crate) fn remove(tx: &mut Tx, kid: &str) {
    tx.push(Entity::delete_many().filter(Column::Kid.eq(kid)));
}

/// How many there were.
pub(crate) async fn remove_all(tx: &mut Tx) -> Result<u64, DbError> {
    tx.run(Entity::delete_many()).await
}

fn key(row: Model) -> Result<StoredKey, DbError> {
    let Model { kid, state, public_jwk, private_ct, created_at, activated_at, retired_at } = row;
    let state = KeyState::from_name(&state)
        .ok_or_else(|| DbError::Decode(format!("signing key {kid} is in no state that is known")))?;
    let since = match state {
        KeyState::Next => None,
        KeyState::Active => activated_at,
        KeyState::Retired => retired_at,
    };
    Ok(StoredKey { life: KeyLife { kid, state, since: since.unwrap_or(created_at) }, public_jwk, private_ct })
}
