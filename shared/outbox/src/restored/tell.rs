//! The consuming side: saying what was heard of a publisher. Rule: what is told is what this database holds, newest first,
//! and only of the publisher's newest epoch; the publisher draws the conclusion.

use crate::entity::inbox::{Column, DONE, Entity, is};
use crate::entity::inbox_head;
use crate::inbox::Inbox;
use crate::row::Headers;
use crate::steward::Steward;
use contracts::{Control, Heard, Started};
use db::DbError;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use uuid::Uuid;

/// Events that are told: a backup that misses none of so many misses none.
const TOLD: u64 = 100;

impl Steward {
    /// A publisher has started, or begins anew.
    pub(crate) async fn greet(&self, started: &Started) -> Result<(), DbError> {
        let Some(inbox) = &self.inbox else { return Ok(()) };
        let epoch = self.tell_what_was_heard(inbox, &started.source).await?;
        if epoch > 0 && started.epoch > epoch {
            self.joins.doubt_source(&started.source);
        }
        Ok(())
    }

    /// Tells a publisher what this consumer heard of it; the highest epoch of it.
    pub(crate) async fn tell_what_was_heard(&self, inbox: &Inbox, source: &str) -> Result<i32, DbError> {
        let (epoch, events) = heard(inbox, source).await?;
        self.tell(source, Control::Heard(Heard { consumer: self.domain.to_owned(), epoch, events })).await;
        Ok(epoch)
    }
}

async fn heard(inbox: &Inbox, source: &str) -> Result<(i32, Vec<Uuid>), DbError> {
    let consumer = inbox.listeners.consumer;
    let epoch = inbox_head::Entity::find()
        .select_only()
        .column_as(inbox_head::Column::StreamEpoch.max(), "epoch")
        .filter(inbox_head::Column::Consumer.eq(consumer))
        .filter(inbox_head::Column::Source.eq(source));
    let epoch = inbox.db.reader().rows::<(Option<i32>,)>(epoch).await?.into_iter().next().and_then(|(epoch,)| epoch);
    let epoch = epoch.unwrap_or_default();
    let newest = inbox.db.reader().rows::<(Uuid, String)>(newest(consumer, source)).await?;
    let of_epoch = |(id, headers): (Uuid, String)| (epoch_of(&headers) == epoch).then_some(id);
    Ok((epoch, newest.into_iter().filter_map(of_epoch).collect()))
}

/// What a consumer has done last of what it heard of a source.
fn newest(consumer: &str, source: &str) -> Select<Entity> {
    Entity::find()
        .select_only()
        .column(Column::EventId)
        .column(Column::Headers)
        .filter(Column::Consumer.eq(consumer))
        .filter(Column::Source.eq(source))
        .filter(is(DONE))
        .order_by_desc(Column::DoneAt)
        .limit(TOLD)
}

/// The stream epoch of an inbox row, by its headers.
pub(crate) fn epoch_of(headers: &str) -> i32 {
    serde_json::from_str::<Headers>(headers).ok().and_then(|headers| headers.streamepoch).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sea_orm::{Database, DbBackend, QueryTrait};
    use sea_orm_migration::{MigrationTrait, MigratorTrait};

    struct Migrator;

    impl MigratorTrait for Migrator {
        fn migrations() -> Vec<Box<dyn MigrationTrait>> {
            migration_messaging::migrations()
        }
    }

    /// PostgreSQL counts what it reads; SQLite only says what it is about to do.
    #[tokio::test]
    async fn what_was_heard_last_is_found_without_a_look_at_all_that_was_heard() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("task.db");
        let made = Database::connect(format!("sqlite://{}?mode=rwc", file.display())).await.unwrap();
        Migrator::up(&made, None).await.unwrap();
        made.close().await.unwrap();
        let explained = format!("EXPLAIN QUERY PLAN {}", newest("task", "user").build(DbBackend::Sqlite));
        let file = rusqlite::Connection::open(file).unwrap();
        let mut statement = file.prepare(&explained).unwrap();
        let steps = statement.query_map([], |row| row.get(3)).unwrap();
        let steps: Vec<String> = steps.map(Result::unwrap).collect();
        assert_eq!(steps, ["SEARCH inbox USING INDEX inbox_done (consumer=? AND source=?)"]);
    }
}
