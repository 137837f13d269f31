//! A publisher (`user`), a consumer (`task`), a clock that stands still, and a listener that fails on command.

use bus::InProcess;
use chrono::{DateTime, TimeDelta, Utc};
use contracts::user::Role;
use contracts::user::v1::{UserCreated, UserDeleted};
use contracts::{Clock, Stream, UserId};
use db::{Context, Db, DbError, DbOptions, Tx};
use outbox::{Heard, ListenError, Listeners, Messaging, OnDead, Options, Tuning, emit};
use sea_orm::{Database, EntityTrait, QuerySelect};
use sea_orm_migration::{MigrationTrait, MigratorTrait};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use uuid::Uuid;

struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        migration_messaging::migrations()
    }
}

#[derive(Debug, Clone)]
pub struct StandingClock(Arc<Mutex<DateTime<Utc>>>);

impl Clock for StandingClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }
}

/// What the listener of one user does: fail that many times, fail for good, panic, hang, find its row unreadable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Fails(u32),
    Refuses,
    Panics,
    Hangs,
    Troubled,
}

/// What the listener shares with the test.
#[derive(Clone, Default)]
pub struct Script {
    pub moods: Arc<Mutex<HashMap<UserId, Mood>>>,
}

pub struct Pair {
    pub user: Db,
    pub task: Db,
    pub bus: Arc<InProcess>,
    pub script: Script,
    pub clock: StandingClock,
    pub tuning: Tuning,
    pub on_dead: OnDead,
    pub running: Vec<Messaging>,
    pub directory: TempDir,
}

async fn open(path: &Path, clock: &StandingClock) -> Db {
    let connection = Database::connect(format!("sqlite://{}?mode=rwc", path.display())).await.unwrap();
    Migrator::up(&connection, None).await.unwrap();
    connection.close().await.unwrap();
    let file = rusqlite::Connection::open(path).unwrap();
    // The listener's effects, in the order of their commits; a second effect of one event would be refused.
    let effects = "CREATE TABLE IF NOT EXISTS effect (n INTEGER PRIMARY KEY AUTOINCREMENT, subject BLOB, seq INTEGER,
        UNIQUE (subject, seq)) STRICT; CREATE TABLE IF NOT EXISTS aggregate (id BLOB PRIMARY KEY, seq INTEGER) STRICT";
    file.execute_batch(effects).unwrap();
    let mut options = DbOptions::file(path);
    options.clock = Arc::new(clock.clone());
    options.readers = 2;
    Db::open(options).await.unwrap()
}

impl Pair {
    /// Opened, and not started.
    pub async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = StandingClock(Arc::new(Mutex::new("2026-01-01T00:00:00Z".parse().unwrap())));
        let user = open(&directory.path().join("user.db"), &clock).await;
        let task = open(&directory.path().join("task.db"), &clock).await;
        let tuning = Tuning { listener_deadline: Duration::from_millis(100), ..Tuning::default() };
        let (bus, script) = (Arc::new(InProcess::new(["user", "task"])), Script::default());
        Self { user, task, bus, script, clock, tuning, on_dead: OnDead::Block, running: Vec::new(), directory }
    }

    pub async fn started() -> Self {
        let mut pair = Self::new().await;
        pair.start_publisher().await;
        pair.start_consumer().await;
        pair
    }

    pub async fn start_publisher(&mut self) {
        self.start("user", self.user.clone(), Listeners::new("user")).await;
    }

    pub async fn start_consumer(&mut self) {
        let listeners = Listeners::new("task").on_dead(self.on_dead);
        let created = scripted::<UserCreated>(self.script.clone(), |data| data.user_id);
        let listeners = listeners.on::<UserCreated, _>(created);
        self.start("task", self.task.clone(), listeners).await;
    }

    async fn start(&mut self, domain: &'static str, db: Db, listeners: Listeners) {
        let bus = Arc::clone(&self.bus) as _;
        let tuning = self.tuning.clone();
        self.running.push(Messaging::start(Options { domain, db, bus, listeners, tuning }).await);
    }

    pub async fn stop(&mut self) {
        for messaging in &self.running {
            messaging.stop_relay().await;
        }
        for messaging in self.running.drain(..) {
            messaging.stop_inbox().await;
        }
    }

    pub fn mood(&self, user: UserId, mood: Option<Mood>) {
        let mut moods = self.script.moods.lock().unwrap();
        match mood {
            Some(mood) => moods.insert(user, mood),
            None => moods.remove(&user),
        };
    }

    pub fn advance(&self, by: TimeDelta) {
        *self.clock.0.lock().unwrap() += by;
        self.running.iter().for_each(Messaging::wake);
    }

    /// Emits that many events of one user, each in a transaction of its own.
    pub async fn emit(&self, user: UserId, events: u32) {
        for _ in 0..events {
            self.user.write(&Context::default(), &user, emit_one).await.unwrap();
        }
    }

    /// Sequences of a user's effects, in the order of their commits.
    pub fn effects(&self, user: UserId) -> Vec<i64> {
        let file = rusqlite::Connection::open(self.directory.path().join("task.db")).unwrap();
        let mut rows = file.prepare("SELECT seq FROM effect WHERE subject = ? ORDER BY n").unwrap();
        let rows = rows.query_map([user.uuid().as_bytes()], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }

    pub async fn eventually(&self, what: &str, holds: impl AsyncFn() -> bool) {
        let started = Instant::now();
        let mut looks = tokio::time::interval(Duration::from_millis(2));
        while !holds().await {
            assert!(started.elapsed() < Duration::from_secs(20), "{what}");
            looks.tick().await;
        }
    }

    /// The relay marks what was heard a moment later.
    pub async fn still_unpublished(&self, rows: i64) {
        let what = format!("not {rows} rows are unpublished");
        self.eventually(&what, async || outbox::unpublished(&self.user).await.unwrap() == rows).await;
    }

    pub async fn heard(&self, user: UserId, upto: i64) {
        let what = format!("{user} is not heard of up to {upto}");
        self.eventually(&what, async || {
            let heads = outbox::heads(&self.task, "task").await.unwrap();
            heads.iter().any(|head| head.id == user.to_string() && head.seq == upto)
        })
        .await;
    }
}

pub fn created(user: UserId) -> UserCreated {
    UserCreated {
        user_id: user,
        username: "u".to_owned(),
        email: "u@example.org".to_owned(),
        display_name: None,
        timezone: "UTC".to_owned(),
        role: Role::User,
        is_active: true,
    }
}

async fn next_sequence(tx: &mut Tx, id: Uuid) -> Result<i64, DbError> {
    let seen = table::aggregate::Entity::find_by_id(id);
    let seq = tx.one(seen.lock_exclusive()).await?.map_or(0, |row| row.seq);
    tx.push(table::aggregate::upsert(id, seq + 1));
    Ok(seq)
}

/// The first event is heard with a listener, every third is of a type that has none.
pub async fn emit_one(tx: &mut Tx, user: &UserId) -> Result<(), DbError> {
    let mut stream = Stream::at("user", user.uuid(), next_sequence(tx, user.uuid()).await?);
    if stream.seq % 3 == 2 {
        emit(tx, UserDeleted { user_id: *user }, &mut stream);
    } else {
        emit(tx, created(*user), &mut stream);
    }
    Ok(())
}

type Boxed<'t> = std::pin::Pin<Box<dyn Future<Output = Result<(), ListenError>> + Send + 't>>;

fn scripted<E: Send + Sync + 'static>(
    script: Script,
    of: fn(&E) -> UserId,
) -> impl for<'t> Fn(&'t mut Tx, &'t Heard<E>) -> Boxed<'t> + Send + Sync {
    move |tx, heard| {
        let script = script.clone();
        Box::pin(async move {
            let user = of(&heard.data);
            tx.push(table::effect::insert(user.uuid(), heard.envelope.sequence));
            let mood = script.moods.lock().unwrap().get(&user).copied();
            match mood {
                None => Ok(()),
                Some(Mood::Fails(0)) => Ok(()),
                Some(Mood::Fails(left)) => {
                    script.moods.lock().unwrap().insert(user, Mood::Fails(left - 1));
                    Err(ListenError::Retry("not yet".to_owned()))
                }
                Some(Mood::Refuses) => Err(ListenError::Permanent("never".to_owned())),
                Some(Mood::Panics) => panic!("on purpose"),
                Some(Mood::Hangs) => std::future::pending().await,
                Some(Mood::Troubled) => Err(DbError::Unavailable("this row alone".to_owned()).into()),
            }
        })
    }
}

mod table {
    pub mod aggregate {
        use sea_orm::entity::prelude::*;
        use sea_orm::sea_query::OnConflict;
        use sea_orm::{Insert, Set};

        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
        #[sea_orm(table_name = "aggregate")]
        pub struct Model {
            #[sea_orm(primary_key, auto_increment = false)]
            pub id: Uuid,
            pub seq: i64,
        }

        #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
        pub enum Relation {}

        impl ActiveModelBehavior for ActiveModel {}

        pub fn upsert(id: Uuid, seq: i64) -> Insert<ActiveModel> {
            let replace = OnConflict::column(Column::Id).update_column(Column::Seq).to_owned();
            Insert::one(ActiveModel { id: Set(id), seq: Set(seq) }).on_conflict(replace)
        }
    }

    pub mod effect {
        use sea_orm::entity::prelude::*;
        use sea_orm::{ActiveValue, Insert, Set};

        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
        #[sea_orm(table_name = "effect")]
        pub struct Model {
            #[sea_orm(primary_key)]
            pub n: i64,
            pub subject: Uuid,
            pub seq: i64,
        }

        #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
        pub enum Relation {}

        impl ActiveModelBehavior for ActiveModel {}

        pub fn insert(subject: Uuid, seq: i64) -> Insert<ActiveModel> {
            Insert::one(ActiveModel { n: ActiveValue::NotSet, subject: Set(subject), seq: Set(seq) })
        }
    }
}
