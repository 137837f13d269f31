//! The stored signing keys. Rule: the database allows one active key, so of two processes that start at once one
//! makes it.

use super::entity::signing_key::{ActiveModel, Column, Entity, Model};
use crate::crypto::{FreshKey, StoredKey};
use db::{DbError, Reader, Tx};
use sea_orm::{EntityTrait, QueryOrder, Set};

const ACTIVE: &str = "active";

pub(crate) async fn all(tx: &mut Tx) -> Result<Vec<StoredKey>, DbError> {
    Ok(tx.all(Entity::find().order_by_asc(Column::CreatedAt)).await?.into_iter().map(key).collect())
}

pub(crate) async fn published(reader: &Reader) -> Result<Vec<StoredKey>, DbError> {
    Ok(reader.all(Entity::find().order_by_asc(Column::CreatedAt)).await?.into_iter().map(key).collect())
}

pub(crate) async fn insert_active(tx: &mut Tx, key: &FreshKey) -> Result<(), DbError> {
    let row = ActiveModel {
        kid: Set(key.kid.clone()),
        state: Set(ACTIVE.to_owned()),
        public_jwk: Set(key.public_jwk.clone()),
        private_ct: Set(key.private_ct.clone()),
        created_at: Set(tx.now()),
        activated_at: Set(Some(tx.now())),
        retired_at: Set(None),
    };
    tx.run(Entity::insert(row)).await.map(drop)
}

fn key(row: Model) -> StoredKey {
    StoredKey { kid: row.kid, is_active: row.state == ACTIVE, public_jwk: row.public_jwk, private_ct: row.private_ct }
}
