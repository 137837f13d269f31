//! Throwing away signing keys that somebody else may have. Rule: all of them, in one transaction with the one that signs
//! from now on: who got at one of the rows got at the others, and a key that is published is believed.

use crate::crypto::FreshKey;
use crate::domain::KeyState;
use crate::store::signing_keys;
use db::{DbError, Tx};

/// How many were thrown away.
pub(crate) async fn replace_keys(tx: &mut Tx, fresh: &FreshKey) -> Result<u64, DbError> {
    let gone = signing_keys::remove_all(tx).await?;
    signing_keys::insert(tx, fresh, KeyState::Active).await?;
    Ok(gone)
}
