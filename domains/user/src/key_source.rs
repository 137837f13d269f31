//! Keys and revocations for every verifier in this process. Rule: verifiers see the published document and the
//! numbered rows, nothing else, so that they work the same where the domain is in another process.

use crate::app::{Turned, turn_keys};
use crate::crypto::KeyRingError;
use crate::domain::{KeyLife, due};
use crate::issuer::Issuer;
use crate::store::{revocations, signing_keys};
use async_trait::async_trait;
use db::{Context, Db, DbError};
use std::sync::Arc;
use tokio::sync::Notify;
use web::{KeySnapshot, KeySource, KeySourceError, Revocation, Verifier};

/// The source over the domain's own tables.
pub(crate) struct OwnTables {
    db: Db,
    issuer: Arc<Issuer>,
    changed: Arc<Notify>,
}

/// Why the keys are not where their age says.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TurnKeysError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Key(#[from] KeyRingError),
}

impl OwnTables {
    pub(crate) fn new(db: Db, issuer: Arc<Issuer>) -> Self {
        Self { db, issuer, changed: Arc::new(Notify::new()) }
    }

    /// Called after a commit that may have written a revocation, before the client is answered: the next request
    /// of the process already meets it. A failure does no harm, because verifiers also look by themselves.
    pub(crate) async fn tell(&self, verifier: &Verifier) {
        if let Err(error) = verifier.load(self).await {
            tracing::warn!(%error, "a revocation will be seen a little later");
        }
        self.changed.notify_waiters();
    }

    /// The document of public keys, as they are stored now.
    pub(crate) async fn jwks(&self) -> Result<String, DbError> {
        self.issuer.follow(&signing_keys::all(self.db.reader()).await?);
        Ok(self.issuer.jwks())
    }

    /// Brings the keys to where their age says they are. Replicas do it, too; a look costs them nothing.
    pub(crate) async fn turn(&self) -> Result<(), TurnKeysError> {
        let stored = signing_keys::all(self.db.reader()).await?;
        let lives: Vec<KeyLife> = stored.into_iter().map(|key| key.life).collect();
        if due(&lives, self.db.clock().now()).is_none() {
            return Ok(());
        }
        let turned = match self.db.write(&Context::default(), &self.issuer.fresh_key()?, turn_keys).await {
            // Another replica published one at the same instant.
            Err(DbError::Unique { .. }) => return Ok(()),
            turned => turned?,
        };
        for turn in &turned {
            match turn {
                Turned::Published(kid) => tracing::info!(kid, "a signing key is published; it signs in 15 minutes"),
                Turned::Activated(kid) => tracing::info!(kid, "a signing key signs from now on"),
                Turned::Removed(kid) => tracing::info!(kid, "a signing key is gone"),
            }
        }
        self.changed.notify_waiters();
        Ok(())
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
