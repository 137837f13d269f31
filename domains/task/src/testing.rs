//! A database of this domain for the tests of use-cases and listeners, with what they put into the outbox.

use crate::app::{self, CreateTask};
use crate::domain::{Actor, Labels, NewTask, Task, Title};
use crate::store;
use contracts::task::Priority;
use contracts::{CategoryId, Envelope, Event, EventId, NewEnvelope, UserId};
use db::{Context, Db, DbError, DbOptions, Tx};
use outbox::Heard;
use sea_orm::{Database, EntityTrait, QueryOrder};
use sea_orm_migration::MigratorTrait;
use serde_json::Value;
use serde_json::value::to_raw_value;
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) struct Bench {
    pub(crate) db: Db,
    _dir: TempDir,
}

/// An event as it stands in the outbox.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Emitted {
    pub(crate) event_type: String,
    pub(crate) seq: i64,
    pub(crate) headers: Value,
    pub(crate) data: Value,
}

impl Bench {
    /// An empty database in a directory of its own.
    pub(crate) async fn open() -> Self {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("task.db").display().to_string();
        let connection = Database::connect(format!("sqlite://{path}?mode=rwc")).await.unwrap();
        migration_task::Migrator::up(&connection, None).await.unwrap();
        connection.close().await.unwrap();
        let db = Db::open(DbOptions::file(&path)).await.unwrap();
        Self { db, _dir: dir }
    }

    /// Makes somebody known, as hearing of them does.
    pub(crate) async fn know(&self, user: Actor) {
        async fn note(tx: &mut Tx, user: &UserId) -> Result<(), DbError> {
            store::note_user(tx, *user, true).await
        }
        self.db.write(&Context::default(), &user.id, note).await.unwrap();
    }

    pub(crate) async fn create(&self, by: Actor, assignee: Option<Actor>) -> Task {
        self.create_in(by, assignee, None).await
    }

    pub(crate) async fn create_in(&self, by: Actor, assignee: Option<Actor>, category: Option<CategoryId>) -> Task {
        let task = NewTask {
            title: Title::stored("Buy milk".to_owned()),
            description: None,
            priority: Priority::None,
            category_id: category,
            labels: Labels::stored(vec!["shop".to_owned()]),
            assignee_id: assignee.map(|actor| actor.id),
            due_at: None,
            remind_at: None,
        };
        self.db.write(&Context::default(), &CreateTask { task, by }, app::create_task).await.unwrap()
    }

    /// The task as an administrator sees it.
    pub(crate) async fn look(&self, task: &Task) -> Option<Task> {
        let root = Actor { id: UserId(Uuid::nil()), is_admin: true };
        store::get(self.db.reader(), task.id, root).await.unwrap()
    }

    /// What was emitted about one task, in order.
    pub(crate) async fn emitted(&self, task: &Task) -> Vec<Emitted> {
        let rows = self.db.reader().all(outbox_row::Entity::find().order_by_asc(outbox_row::Column::Id)).await.unwrap();
        let of_this = rows.into_iter().filter(|row| row.aggregate_id == task.id.to_string());
        let emitted = of_this.map(|row| Emitted {
            event_type: row.event_type,
            seq: row.aggregate_seq,
            headers: row.headers,
            data: serde_json::from_slice(&row.payload).unwrap(),
        });
        emitted.collect()
    }
}

/// An event of the user domain, as it arrives.
pub(crate) fn heard<E: Event>(user: UserId, seq: i64, data: E) -> Heard<E> {
    let envelope = Envelope::new(NewEnvelope {
        id: EventId(Uuid::from_u128(user.uuid().as_u128() << 32 | u128::from(seq.unsigned_abs()))),
        domain: E::DOMAIN,
        aggregate: E::AGGREGATE,
        aggregate_id: user.uuid(),
        event_type: E::event_type(),
        time: crate::domain::testing::now(),
        correlation_id: Some("request-1".to_owned()),
        causation_id: None,
        traceparent: None,
        sequence: seq,
        stream_epoch: 1,
        auth_id: Some(user),
        data: to_raw_value(&data).unwrap(),
    });
    Heard { envelope, data }
}

mod outbox_row {
    //! As much of the outbox as the tests look at.
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "outbox")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub aggregate_id: String,
        pub aggregate_seq: i64,
        pub event_type: String,
        pub headers: Json,
        pub payload: Vec<u8>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
