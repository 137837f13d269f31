//! Gives the news of a new user a moment to arrive. Rule: waits before the transaction, never inside; whether the user
//! may be named is decided afterwards, in the transaction.

use crate::store;
use contracts::UserId;
use db::{Db, DbError};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// How long a request waits for a user of whom nothing was heard yet.
const PATIENCE: Duration = Duration::from_millis(500);
/// The first pause; each one is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// Whether something is known of the user: says so at once, and false only when patience ends. Looks again at growing
/// intervals: a wake-up could only come from within the listener's transaction, before there is anything to see.
pub(crate) async fn await_user(db: &Db, user: UserId) -> Result<bool, DbError> {
    let deadline = Instant::now() + PATIENCE;
    let mut pause = FIRST_PAUSE;
    while !store::is_known_user(db.reader(), user).await? {
        let now = Instant::now();
        if now >= deadline {
            return Ok(false);
        }
        sleep_until(deadline.min(now + pause)).await;
        pause = LONGEST_PAUSE.min(pause * 2);
    }
    Ok(true)
}
