//! The hourly clean-up that every domain's database gets. Rule: only what nobody asks for any more, in small
//! statements, late rather than early.

use crate::job::Job;
use chrono::TimeDelta;
use db::Db;
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(60 * 60);
/// Events that were handled; their watermark stays.
const DONE_INBOX: TimeDelta = TimeDelta::days(7);
/// Answers that a client may ask for again.
const IDEMPOTENCY: TimeDelta = TimeDelta::hours(24);

pub(crate) fn job() -> Job {
    Job::every(EVERY, "clean-up", |db| Box::pin(async move { clean_up(&db).await.map_err(|error| error.to_string()) }))
}

async fn clean_up(db: &Db) -> Result<(), db::DbError> {
    let now = db.clock().now();
    let inbox = outbox::purge(db, now - DONE_INBOX).await?;
    let idempotency = web::purge_idempotency(db, now - IDEMPOTENCY).await?;
    if inbox + idempotency > 0 {
        tracing::info!(inbox_rows = inbox, idempotency_rows = idempotency, "cleaned up");
    }
    Ok(())
}
