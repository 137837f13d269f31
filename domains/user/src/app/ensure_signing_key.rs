//! The first signing key. Rule: made once, by whoever starts first; what is there is never replaced.

use crate::crypto::{FreshKey, StoredKey};
use crate::domain::KeyState;
use crate::store::signing_keys;
use db::{DbError, Tx};

/// All stored keys, `fresh` among them if there was none.
pub(crate) async fn ensure_signing_key(tx: &mut Tx, fresh: &FreshKey) -> Result<Vec<StoredKey>, DbError> {
    let keys = signing_keys::lock(tx).await?;
    // Keys without an active one are a fault that the key ring reports; a new key would hide it.
    if !keys.is_empty() {
        return Ok(keys);
    }
    signing_keys::insert(tx, fresh, KeyState::Active).await?;
    signing_keys::lock(tx).await
}
