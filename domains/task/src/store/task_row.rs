//! The table `task`, and how a row and a task become each other.

use crate::domain::{Completion, Description, Labels, Task, Title};
use contracts::task::{Priority, Status};
use contracts::{CategoryId, Stream, TaskId, UserId};
use db::DbError;
use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "task")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub title: String,
    pub description: Option<String>,
    pub status: String,
    /// The rank, so that the column sorts by it.
    pub priority: i16,
    pub category_id: Option<Uuid>,
    pub labels: Json,
    pub creator_id: Uuid,
    pub assignee_id: Option<Uuid>,
    pub due_at: Option<DateTimeUtc>,
    pub remind_at: Option<DateTimeUtc>,
    pub completed_at: Option<DateTimeUtc>,
    pub completed_by: Option<Uuid>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub version: i64,
    pub event_seq: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for Task {
    type Error = DbError;

    fn try_from(row: Model) -> Result<Self, DbError> {
        let completion = row.completed_by.zip(row.completed_at).map(|(by, at)| Completion { by: UserId(by), at });
        Ok(Self {
            id: TaskId(row.id),
            title: Title::stored(row.title),
            description: row.description.map(Description::stored),
            status: Status::from_name(&row.status).ok_or_else(|| unreadable("status", &row.status))?,
            priority: priority(row.priority)?,
            category_id: row.category_id.map(CategoryId),
            labels: labels(row.labels)?,
            creator_id: UserId(row.creator_id),
            assignee_id: row.assignee_id.map(UserId),
            due_at: row.due_at,
            remind_at: row.remind_at,
            completion,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
            stream: Stream::at("task", row.id, row.event_seq),
        })
    }
}

impl From<&Task> for ActiveModel {
    fn from(task: &Task) -> Self {
        Self {
            id: Set(task.id.uuid()),
            title: Set(task.title.as_str().to_owned()),
            description: Set(task.description.as_ref().map(|text| text.as_str().to_owned())),
            status: Set(task.status.as_str().to_owned()),
            priority: Set(rank(task.priority)),
            category_id: Set(task.category_id.map(CategoryId::uuid)),
            labels: Set(Json::from(task.labels.as_slice())),
            creator_id: Set(task.creator_id.uuid()),
            assignee_id: Set(task.assignee_id.map(UserId::uuid)),
            due_at: Set(task.due_at),
            remind_at: Set(task.remind_at),
            completed_at: Set(task.completion.map(|done| done.at)),
            completed_by: Set(task.completion.map(|done| done.by.uuid())),
            created_at: Set(task.created_at),
            updated_at: Set(task.updated_at),
            version: Set(task.version),
            event_seq: Set(task.stream.seq),
        }
    }
}

/// The stored form of a priority. Written out, because it is on disk: a priority put between two others later must not
/// move those above it.
pub(super) const fn rank(priority: Priority) -> i16 {
    match priority {
        Priority::None => 0,
        Priority::Low => 1,
        Priority::Medium => 2,
        Priority::High => 3,
        Priority::Urgent => 4,
    }
}

fn priority(stored: i16) -> Result<Priority, DbError> {
    let found = Priority::ALL.iter().copied().find(|&priority| rank(priority) == stored);
    found.ok_or_else(|| unreadable("priority", stored))
}

fn labels(stored: Json) -> Result<Labels, DbError> {
    serde_json::from_value(stored).map(Labels::stored).map_err(|error| unreadable("labels", error))
}

fn unreadable(column: &str, found: impl std::fmt::Display) -> DbError {
    DbError::Decode(format!("task.{column}: {found}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::testing::{ben, later, task};

    fn row(task: &Task) -> Model {
        ActiveModel::from(task).try_into().unwrap()
    }

    #[test]
    fn what_is_stored_comes_back() {
        let mut stored = task();
        stored.labels = Labels::stored(vec!["b".to_owned(), "a".to_owned()]);
        stored.description = Some(Description::stored("two\nlines".to_owned()));
        stored.complete(ben(), later()).unwrap();
        stored.stream.seq = 3;
        for priority in Priority::ALL {
            stored.priority = *priority;
            assert_eq!(Task::try_from(row(&stored)), Ok(stored.clone()));
        }
    }

    #[test]
    fn ranks_sort_as_priorities_do() {
        assert!(Priority::ALL.is_sorted_by_key(|priority| rank(*priority)));
    }

    #[test]
    fn a_row_that_makes_no_sense_is_an_error() {
        for spoil in [
            (|row: &mut Model| row.status = "asleep".to_owned()) as fn(&mut Model),
            |row| row.priority = 9,
            |row| row.labels = Json::from(7),
        ] {
            let mut spoilt = row(&task());
            spoil(&mut spoilt);
            assert!(matches!(Task::try_from(spoilt), Err(DbError::Decode(_))));
        }
    }
}
