//! Rows that are there before anybody asks. Rule: the n-th row is the same on every database, and every owner has as many as any
//! other, so that what one sees depends on nothing but their number.

use crate::faults::store::{Store, connect};
use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, params};
use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use uuid::Uuid;

/// When the first row was made: 2026-01-01T00:00:00Z.
const FIRST: i64 = 1_767_225_600_000;
/// Every so many-th is to be done by another owner.
const ASSIGNED_EVERY: u64 = 4;
/// Rows of a statement.
const BATCH: u64 = 5_000;
const COLUMNS: &str = "id, title, description, status, priority, labels, creator_id, assignee_id, created_at, \
                       updated_at, version, event_seq";

/// So many tasks, and whose.
#[derive(Debug, Clone)]
pub struct Seed {
    /// Who owns them, in turn.
    pub owners: Vec<Uuid>,
    /// How many.
    pub tasks: u64,
}

/// One of them.
pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) title: String,
    pub(super) description: Option<&'static str>,
    pub(super) creator: Uuid,
    pub(super) assignee: Option<Uuid>,
    pub(super) at: DateTime<Utc>,
}

impl Seed {
    /// So many, of so many owners, of whom those are the first.
    #[must_use]
    pub fn new(known: &[Uuid], owners: usize, tasks: u64) -> Self {
        let strangers = (known.len() as u64..owners as u64).map(|n| id(FIRST, 0xffff_0000 + n));
        Self { owners: known.iter().copied().chain(strangers).collect(), tasks }
    }

    /// The ids of what an owner made.
    #[must_use]
    pub fn of(&self, owner: usize) -> Vec<Uuid> {
        let every = self.owners.len();
        (owner as u64..self.tasks).step_by(every).map(|n| self.row(n).id).collect()
    }

    /// When the one in the middle was made.
    #[must_use]
    pub fn middle(&self) -> DateTime<Utc> {
        self.row(self.tasks / 2).at
    }

    /// Writes them into the task domain's database.
    ///
    /// # Panics
    /// When the database refuses.
    pub async fn write(&self, store: &Store) {
        match store {
            Store::File(file) => self.write_file(file),
            Store::Schema { url, schema } => self.write_schema(url, schema).await,
        }
    }

    pub(super) fn row(&self, n: u64) -> Row {
        let owner = |n: u64| self.owners[usize::try_from(n).unwrap_or_default() % self.owners.len()];
        let millis = FIRST + i64::try_from(n).unwrap_or_default();
        Row {
            id: id(millis, n),
            title: format!("Task {n} of those that were there before"),
            description: n
                .is_multiple_of(2)
                .then_some("What is to be done, in so many words as people write who are in a hurry."),
            creator: owner(n),
            assignee: n.is_multiple_of(ASSIGNED_EVERY).then(|| owner(n + 1)),
            at: DateTime::UNIX_EPOCH + TimeDelta::milliseconds(millis),
        }
    }

    fn write_file(&self, file: &Path) {
        let mut connection = Connection::open(file).expect("the file");
        let writing = connection.transaction().expect("a transaction");
        let insert = format!("INSERT INTO task ({COLUMNS}) VALUES (?1, ?2, ?3, 'todo', 0, '[]', ?4, ?5, ?6, ?6, 1, 1)");
        let mut statement = writing.prepare(&insert).expect("the table");
        for n in 0..self.tasks {
            let Row { id, title, description, creator, assignee, at } = self.row(n);
            let row = params![id, title, description, creator, assignee, at.timestamp_micros()];
            statement.execute(row).expect("a row");
        }
        drop(statement);
        writing.commit().expect("a commit");
        // No statistics: nothing makes them in a file that is in use.
        connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("a checkpoint");
    }

    async fn write_schema(&self, url: &str, schema: &str) {
        let client = connect(url).await.expect("the database");
        for from in (0..self.tasks).step_by(usize::try_from(BATCH).unwrap_or(1)) {
            let mut insert = format!("INSERT INTO {schema}.task ({COLUMNS}) VALUES ");
            for n in from..(from + BATCH).min(self.tasks) {
                let Row { id, title, description, creator, assignee, at } = self.row(n);
                let comma = if n == from { "" } else { "," };
                let quoted = |text: Option<String>| text.map_or("NULL".to_owned(), |text| format!("'{text}'"));
                let (description, assignee) =
                    (quoted(description.map(str::to_owned)), quoted(assignee.map(|id| id.to_string())));
                write!(
                    insert,
                    "{comma}('{id}','{title}',{description},'todo',0,'[]','{creator}',{assignee},'{at}','{at}',1,1)"
                )
                .expect("text");
            }
            client.batch_execute(&insert).await.expect("rows");
        }
        client.batch_execute(&format!("VACUUM (ANALYZE) {schema}.task")).await.expect("statistics");
    }
}

/// An id of that time, as Cleave makes them, but the same for the same `n`.
fn id(millis: i64, n: u64) -> Uuid {
    let mut hasher = DefaultHasher::new();
    n.hash(&mut hasher);
    let mut random = [0; 10];
    random[..8].copy_from_slice(&hasher.finish().to_be_bytes());
    uuid::Builder::from_unix_timestamp_millis(millis.unsigned_abs(), &random).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_owner_has_as_many_and_no_two_are_one() {
        let known = [id(FIRST, 1), id(FIRST, 2)];
        let seed = Seed::new(&known, 10, 1_000);
        let mut all: Vec<Uuid> = (0..10).flat_map(|owner| seed.of(owner)).collect();
        assert_eq!((seed.of(0).len(), seed.of(9).len(), all.len()), (100, 100, 1_000));
        assert_eq!(seed.row(11).creator, known[1]);
        assert_eq!(seed.of(1)[1], seed.row(11).id);
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 1_000);
    }
}
