//! What was refused once, and what was heard of one source last, found without a look at all the rest. Rule: an index is of
//! the shape of the one question that it is there for.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [OUTBOX, INBOX] {
            manager.get_connection().execute_unprepared(table).await?;
        }
        Ok(())
    }

    /// Each text is one by itself on PostgreSQL: over both tables it would meet those at work, who lock them in either order.
    /// What an interrupted one left is passed.
    fn use_transaction(&self) -> Option<bool> {
        Some(false)
    }
}

// It holds what was refused once, published or not: so it does not cover the rows of the index of what is pending. The drop
// comes first, because it takes the stronger lock.
const OUTBOX: &str = "
DROP INDEX IF EXISTS outbox_backoff;
CREATE INDEX IF NOT EXISTS outbox_refused ON outbox (aggregate_type, aggregate_id, aggregate_seq) WHERE attempts > 0;
";

const INBOX: &str = "
DROP INDEX IF EXISTS inbox_gc;
CREATE INDEX IF NOT EXISTS inbox_done ON inbox (consumer, source, done_at) WHERE status = 1;
";
