//! Changing the signing key before its time. Rule: the new one is published first like any other, so nobody is refused.

use crate::crypto::FreshKey;
use crate::domain::{KeyLife, KeyState};
use crate::store::signing_keys;
use db::{DbError, Tx};

/// The key that signs next: `fresh`, unless one waits for its turn already.
pub(crate) async fn publish_next_key(tx: &mut Tx, fresh: &FreshKey) -> Result<KeyLife, DbError> {
    let waiting = signing_keys::lock(tx).await?.into_iter().find(|key| key.life.state == KeyState::Next);
    if let Some(waiting) = waiting {
        return Ok(waiting.life);
    }
    signing_keys::insert(tx, fresh, KeyState::Next).await?;
    Ok(KeyLife { kid: fresh.kid.clone(), state: KeyState::Next, since: tx.now() })
}
