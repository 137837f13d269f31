//! Keys and revocations for every verifier in this process. Rule: verifiers see the published document and the
//! numbered rows, nothing else, so that they work the same where the domain is in another process.

use crate::crypto::jwks;
use crate::store::{revocations, signing_keys};
use async_trait::async_trait;
use db::{Db, DbError};
use std::sync::Arc;
use tokio::sync::Notify;
use web::{KeySnapshot, KeySource, KeySourceError, Revocation, Verifier};

/// The source over the domain's own tables.
pub(crate) struct OwnTables {
    db: Db,
    changed: Arc<Notify>,
}

impl OwnTables {
    pub(crate) fn new(db: Db) -> Self {
        Self { db, changed: Arc::new(Notify::new()) }
    }

    /// Called after a commit that may have written a revocation, before the client is answered: the next request
    /// of the process already meets it. A failure does no harm, because verifiers also look by themselves.
    pub(crate) async fn tell(&self, verifier: &Verifier) {
        if let Err(error) = verifier.load(self).await {
            tracing::warn!(%error, "a revocation will be seen a little later");
        }
        self.changed.notify_waiters();
    }

    /// The document of public keys.
    pub(crate) async fn jwks(&self) -> Result<String, DbError> {
        let keys = signing_keys::published(self.db.reader()).await?;
        Ok(jwks(keys.iter().map(|key| key.public_jwk.as_str())))
    }
}

#[async_trait]
impl KeySource for OwnTables {
    async fn snapshot(&self) -> Result<KeySnapshot, KeySourceError> {
        let last_n = revocations::last(self.db.reader()).await?;
        Ok(KeySnapshot { jwks: self.jwks().await?, last_n })
    }

    async fn revocations_after(&self, n: i64) -> Result<Vec<Revocation>, KeySourceError> {
        revocations::after(self.db.reader(), n, self.db.clock().now()).await.map_err(KeySourceError::from)
    }

    fn changed(&self) -> Arc<Notify> {
        Arc::clone(&self.changed)
    }
}
