//! A recipient marks many of their own notifications in one go. One transaction, so that the answer kept for the
//! idempotency key tells of the whole; many statements, so that none of them runs long.

use crate::store::{self, Counts, MARKED_AT_ONCE, Mark, Selector};
use contracts::UserId;
use db::{DbError, Tx};
use schemars::JsonSchema;
use serde::Serialize;

/// What is wanted, and for whom.
#[derive(Debug, Clone)]
pub(crate) struct MarkNotifications {
    pub(crate) recipient: UserId,
    pub(crate) mark: Mark,
    pub(crate) selector: Selector,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Marked {
    /// Notifications that had not been marked so before.
    pub(crate) changed: u64,
    /// The inbox afterwards.
    pub(crate) counts: Counts,
}

pub(crate) async fn mark_notifications(tx: &mut Tx, cmd: &MarkNotifications) -> Result<Marked, DbError> {
    let (mut changed, mut after) = (0, None);
    loop {
        let rows = store::markable(tx, cmd.recipient, cmd.mark, &cmd.selector, after).await?;
        let Some(last) = rows.last().copied() else { break };
        changed += store::mark(tx, cmd.mark, &rows).await?;
        if u64::try_from(rows.len()).is_ok_and(|found| found < MARKED_AT_ONCE) {
            break;
        }
        after = Some(last);
    }
    Ok(Marked { changed, counts: store::counts_of(tx, cmd.recipient).await? })
}
