//! Waiting for a recipient whose event is on its way. Rule: nobody waits inside a transaction.

use crate::domain::Standing;
use crate::store;
use contracts::UserId;
use db::{DbError, Reader};
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// How long a user may take from their own domain to this one before they count as unknown.
const PATIENCE: Duration = Duration::from_millis(500);
/// Time between two looks; each is one look-up by key.
const PAUSE: Duration = Duration::from_millis(20);

/// Returns as soon as something is known of the user, or when patience ends. What is known then is for the
/// transaction to find out.
pub(crate) async fn await_recipient(reader: &Reader, user: UserId) -> Result<(), DbError> {
    let known = async {
        while store::standing_now(reader, user).await? == Standing::Unknown {
            sleep(PAUSE).await;
        }
        Ok(())
    };
    timeout(PATIENCE, known).await.unwrap_or(Ok(()))
}
