//! Throwing away signing keys that somebody else may have. Rule: all of them, in one transaction with the one that signs
//! from now on: who got at one of the rows got at the others, and a key that is published is believed.

use crate::crypto::FreshKey;
use crate::domain::KeyState;
use crate::store::signing_keys;
use db::{DbError, Tx};

/// How many were thrown away.
pub(crate) async fn replace_keys(tx: &mut Tx, fresh: &FreshKey) -> Result<u64, DbError> {
    // Whoever turns the keys at this moment is waited for: what they add would not be seen by the statement that removes.
    signing_keys::lock(tx).await?;
    let gone = signing_keys::remove_all(tx).await?;
    signing_keys::insert(tx, fresh, KeyState::Active).await?;
    Ok(gone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Sealer;
    use db::Context;
    use runtime::Config;
    use std::time::Duration;
    use testkit::{Starting, System, Topology, eventually};

    fn serve(config: Config) -> Starting {
        Box::pin(runtime::serve(config, vec![crate::module()]))
    }

    /// On SQLite one comes after the other anyway.
    #[tokio::test]
    async fn a_key_that_somebody_publishes_at_that_moment_goes_with_the_others() {
        if !Topology::MONOLITH_PG.can_run() {
            return;
        }
        let system = System::start(serve, Topology::MONOLITH_PG).await;
        let publishing = "DO $$ BEGIN
            PERFORM 1 FROM signing_key ORDER BY kid FOR UPDATE;
            INSERT INTO signing_key SELECT 'beside', 'next', public_jwk, private_ct, created_at FROM signing_key;
            LOOP
              EXIT WHEN EXISTS
                (SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)));
            END LOOP;
          END $$";
        let published = "SELECT 1 FROM pg_locks WHERE relation = 'signing_key'::regclass AND mode = 'RowExclusiveLock'";
        let fresh = FreshKey::generate(&Sealer::new(&[7; 32], "signing keys").unwrap()).unwrap();
        let replacing = async {
            eventually("a key beside", Duration::from_secs(20), async || system.column("user", published).await.pop())
                .await;
            system.db("user").write(&Context::default(), &fresh, replace_keys).await.unwrap()
        };
        let ((), gone) = tokio::join!(system.execute("user", publishing), replacing);
        let left = system.column("user", "SELECT kid FROM signing_key").await;
        assert_eq!((left, gone), (vec![fresh.kid.clone()], 2));
    }
}
