//! The hourly clean-up that every domain's database gets. Rule: only what nobody asks for any more, in small
//! statements, late rather than early; and by one process, the one that relays the domain's outbox.

use crate::job::Job;
use chrono::TimeDelta;
use db::Db;
use futures_util::FutureExt;
use outbox::{KEPT, Lead};
use std::sync::Arc;
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(60 * 60);
/// Events that were handled; their watermark stays.
const DONE_INBOX: TimeDelta = TimeDelta::days(7);
/// Answers that a client may ask for again.
const IDEMPOTENCY: TimeDelta = TimeDelta::hours(24);

/// Cleans up where this process relays, at once when it begins to.
pub(crate) fn job(lead: Lead) -> Job {
    let begins = Arc::clone(&lead.begins);
    let run = move |db: Db| {
        let lead = lead.clone();
        async move {
            if !lead.holds() {
                return Ok(());
            }
            clean_up(&db).await.map_err(|error| error.to_string())
        }
        .boxed()
    };
    Job::every(EVERY, "clean-up", run).wake(begins)
}

async fn clean_up(db: &Db) -> Result<(), db::DbError> {
    let now = db.clock().now();
    let events = outbox::retire(db, now - KEPT).await?;
    let inbox = outbox::purge(db, now - DONE_INBOX).await?;
    let idempotency = web::purge_idempotency(db, now - IDEMPOTENCY).await?;
    if events + inbox + idempotency > 0 {
        tracing::info!(outbox_rows = events, inbox_rows = inbox, idempotency_rows = idempotency, "cleaned up");
    }
    Ok(())
}
