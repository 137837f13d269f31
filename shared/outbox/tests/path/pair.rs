//! A publisher (`user`), a consumer (`task`), a clock that stands still, and a listener that fails on command.

use crate::thief::Thief;
use chrono::{DateTime, TimeDelta, Utc};
use contracts::user::Role;
use contracts::user::v1::{UserCreated, UserDeleted, UserSnapshot};
use contracts::{Clock, Stream, UserId, topology};
use db::testing::Scratch;
use db::{Context, Db, DbError, DbOptions, Reader, Server, Tx, lock_for_migrations, migration_connection};
use outbox::{Heard, ListenError, Listeners, Living, Messaging, OnDead, Options, Snapshots, State, Tuning, emit};
use sea_orm::{Database, EntityTrait, QuerySelect};
use sea_orm_migration::{MigrationTrait, MigratorTrait};
use std::collections::HashMap;
use std::path::PathBuf;
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
    pub bus: Arc<Thief>,
    pub script: Script,
    pub clock: StandingClock,
    pub tuning: Tuning,
    pub on_dead: OnDead,
    pub running: Vec<Messaging>,
    /// Shared with a twin.
    pub place: Arc<Place>,
}

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// What is removed at the end of a test.
pub enum Place {
    Files(TempDir),
    Postgres(Scratch),
}

impl Place {
    pub fn file(&self, domain: &str) -> PathBuf {
        let Self::Files(directory) = self else { unreachable!("a test of files") };
        directory.path().join(format!("{domain}.db"))
    }

    pub fn options(&self, domain: &str) -> DbOptions {
        match self {
            Self::Files(_) => DbOptions::file(self.file(domain)),
            Self::Postgres(scratch) => DbOptions::postgres(scratch.url(), domain),
        }
    }

    /// The first column of what a query finds, past everything that is tested.
    pub async fn column(&self, domain: &str, sql: &str) -> Vec<i64> {
        match self {
            Self::Files(_) => {
                let file = rusqlite::Connection::open(self.file(domain)).unwrap();
                let mut rows = file.prepare(sql).unwrap();
                rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
            }
            Self::Postgres(scratch) => {
                let rows = scratch.column(&format!("SET search_path = \"{domain}\"; {sql}")).await;
                rows.into_iter().map(|value| value.unwrap().parse().unwrap()).collect()
            }
        }
    }

    /// Changes rows, past everything that is tested.
    pub async fn execute(&self, domain: &str, sql: &str) {
        match self {
            Self::Files(_) => rusqlite::Connection::open(self.file(domain)).unwrap().execute_batch(sql).unwrap(),
            Self::Postgres(scratch) => scratch.execute(&format!("SET search_path = \"{domain}\"; {sql}")).await,
        }
    }

    fn literal(&self, user: UserId) -> String {
        match self {
            Self::Files(_) => format!("x'{}'", user.uuid().simple()),
            Self::Postgres(_) => format!("'{user}'"),
        }
    }

    /// The tables, and the listener's effects in the order of their commits; a second effect of one event would be
    /// refused.
    async fn make_tables(&self, domain: &str) {
        match self {
            Self::Files(_) => {
                let path = self.file(domain);
                let connection = Database::connect(format!("sqlite://{}?mode=rwc", path.display())).await.unwrap();
                Migrator::up(&connection, None).await.unwrap();
                connection.close().await.unwrap();
                let effects = "CREATE TABLE effect (n INTEGER PRIMARY KEY AUTOINCREMENT, subject BLOB, seq INTEGER,
                    UNIQUE (subject, seq)) STRICT; CREATE TABLE aggregate (id BLOB PRIMARY KEY, seq INTEGER) STRICT";
                rusqlite::Connection::open(path).unwrap().execute_batch(effects).unwrap();
            }
            Self::Postgres(scratch) => {
                migrate(&Server::new(scratch.url(), domain)).await;
                let effects = "SET search_path = \"NAME\"; CREATE TABLE effect (n bigint GENERATED ALWAYS AS IDENTITY
                    PRIMARY KEY, subject uuid, seq bigint, UNIQUE (subject, seq));
                    CREATE TABLE aggregate (id uuid PRIMARY KEY, seq bigint)";
                scratch.execute(&effects.replace("NAME", domain)).await;
            }
        }
    }
}

/// What `cleave migrate up` does.
pub async fn migrate(server: &Server) {
    let lock = lock_for_migrations(server).await.unwrap();
    let connection = migration_connection(server).await.unwrap();
    Migrator::up(&connection, None).await.unwrap();
    connection.close().await.unwrap();
    drop(lock);
}

async fn open(place: &Place, domain: &str, clock: &StandingClock) -> Db {
    place.make_tables(domain).await;
    let mut options = place.options(domain);
    options.clock = Arc::new(clock.clone());
    options.readers = 2;
    options.writers = 4;
    Db::open(options).await.unwrap()
}

impl Pair {
    /// Opened, and not started; none where there is no server.
    pub async fn new(kind: Kind) -> Option<Self> {
        let place = match kind {
            Kind::Sqlite => Place::Files(tempfile::tempdir().unwrap()),
            Kind::Postgres => Place::Postgres(Scratch::new().await?),
        };
        let clock = StandingClock(Arc::new(Mutex::new("2026-01-01T00:00:00Z".parse().unwrap())));
        let user = open(&place, "user", &clock).await;
        let task = open(&place, "task", &clock).await;
        let (join, digest) =
            ((Duration::from_secs(1), Duration::from_secs(2)), (Duration::from_millis(200), Duration::from_secs(60)));
        let tuning = Tuning { listener_deadline: Duration::from_millis(100), join, digest, ..Tuning::default() };
        let (bus, script) = (Thief::new(&["user", "task"]), Script::default());
        let place = Arc::new(place);
        Some(Self { user, task, bus, script, clock, tuning, on_dead: OnDead::Block, running: Vec::new(), place })
    }

    /// A second process on the same database, with a bus of its own.
    pub async fn twin(&self) -> Self {
        let open = async |domain| {
            let options = DbOptions { readers: 2, writers: 4, ..self.place.options(domain) };
            Db::open(DbOptions { clock: Arc::new(self.clock.clone()), ..options }).await.unwrap()
        };
        let (user, task) = (open("user").await, open("task").await);
        let bus = Thief::new(&["user", "task"]);
        let (script, clock, tuning) = (self.script.clone(), self.clock.clone(), self.tuning.clone());
        let place = Arc::clone(&self.place);
        Self { user, task, bus, script, clock, tuning, on_dead: self.on_dead, running: Vec::new(), place }
    }

    pub async fn started(kind: Kind) -> Option<Self> {
        let mut pair = Self::new(kind).await?;
        pair.start_publisher().await;
        pair.start_consumer().await;
        Some(pair)
    }

    pub async fn start_publisher(&mut self) {
        self.start("user", self.user.clone(), Listeners::new("user")).await;
    }

    pub async fn start_consumer(&mut self) {
        let listeners = Listeners::new("task").on_dead(self.on_dead);
        let created = scripted::<UserCreated>(self.script.clone(), |data| data.user_id);
        let listeners = listeners.on::<UserCreated, _>(created).on::<UserSnapshot, _>(on_snapshot);
        self.start("task", self.task.clone(), listeners).await;
    }

    async fn start(&mut self, domain: &'static str, db: Db, listeners: Listeners) {
        let bus = Arc::clone(&self.bus) as _;
        let (streams, snapshots) = (topology::heard_by(domain), Snapshots::new().of(living));
        let tuning = self.tuning.clone();
        self.running.push(Messaging::start(Options { domain, db, bus, streams, listeners, snapshots, tuning }).await);
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

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Nobody is told how far the streams are.
    pub fn without_digest(&mut self) {
        self.tuning.digest.1 = Duration::from_secs(1_000 * 24 * 60 * 60);
    }

    /// The publisher forgets an aggregate, and not its events.
    pub async fn forget(&self, user: UserId) {
        async fn delete(tx: &mut Tx, user: &UserId) -> Result<(), DbError> {
            tx.run(table::aggregate::delete(user.uuid())).await.map(drop)
        }
        self.user.write(&Context::default(), &user, delete).await.unwrap();
    }

    /// The publisher's database is as it was when the aggregate had so many events.
    pub async fn put_back(&self, user: UserId, seq: i64) {
        let id = self.place.literal(user);
        let outbox = format!("DELETE FROM outbox WHERE aggregate_id = '{user}' AND aggregate_seq > {seq}");
        let state = match seq {
            0 => format!("DELETE FROM aggregate WHERE id = {id}"),
            _ => format!("UPDATE aggregate SET seq = {seq} WHERE id = {id}"),
        };
        self.place.execute("user", &format!("{outbox}; {state}")).await;
    }

    /// The publisher's database is as it was before somebody decided to go on with it.
    pub async fn forget_epoch(&self) {
        self.place.execute("user", "UPDATE stream_epoch SET epoch = 1, heard = 0").await;
    }

    /// Emits one event, once.
    pub async fn try_emit(&self, user: UserId) -> Result<(), DbError> {
        self.user.write(&Context::default(), &user, emit_one).await
    }

    /// The same, while the minutes go by.
    pub async fn heard_in_time(&self, users: &[UserId], upto: i64) {
        let started = Instant::now();
        let mut minutes = tokio::time::interval(Duration::from_millis(300));
        loop {
            let heads = outbox::heads(&self.task, "task").await.unwrap();
            let heard = |user: &UserId| heads.iter().any(|head| head.id == user.to_string() && head.seq == upto);
            if users.iter().all(heard) {
                return;
            }
            assert!(started.elapsed() < Duration::from_secs(30), "not all are heard of up to {upto}: {heads:?}");
            self.advance(TimeDelta::seconds(61));
            minutes.tick().await;
        }
    }

    pub fn advance(&self, by: TimeDelta) {
        *self.clock.0.lock().unwrap() += by;
        self.running.iter().for_each(Messaging::wake);
    }

    /// Emits that many events of one user, each in a transaction of its own.
    pub async fn emit(&self, user: UserId, events: u32) {
        for _ in 0..events {
            // A busy database is asked again, as a client would.
            while let Err(error) = self.user.write(&Context::default(), &user, emit_one).await {
                assert_eq!(error, DbError::Busy);
            }
        }
    }

    /// Sequences of a user's effects, in the order of their commits.
    pub async fn effects(&self, user: UserId) -> Vec<i64> {
        let subject = self.place.literal(user);
        self.place.column("task", &format!("SELECT seq FROM effect WHERE subject = {subject} ORDER BY n")).await
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

pub fn snapshot(user: UserId) -> UserSnapshot {
    let UserCreated { user_id, username, email, display_name, timezone, role, is_active } = created(user);
    UserSnapshot { user_id, username, email, display_name, timezone, role, is_active }
}

/// What it leaves is told apart from an event's effect.
async fn on_snapshot(tx: &mut Tx, heard: &Heard<UserSnapshot>) -> Result<(), ListenError> {
    tx.push(table::effect::insert(heard.data.user_id.uuid(), 1_000 + heard.envelope.sequence));
    Ok(())
}

async fn living(reader: Reader, living: Living) -> Result<Vec<State<UserSnapshot>>, DbError> {
    let rows = reader.all(table::aggregate::living(living)).await?;
    let state = |row: table::aggregate::Model| (Stream::at("user", row.id, row.seq), snapshot(UserId(row.id)));
    Ok(rows.into_iter().map(state).collect())
}

async fn next_sequence(tx: &mut Tx, id: Uuid) -> Result<i64, DbError> {
    let seen = || table::aggregate::Entity::find_by_id(id).lock_exclusive();
    let row = match tx.one(seen()).await? {
        Some(row) => Some(row),
        None => {
            // There is no row to lock before the first event: one of those who come at once makes it.
            tx.run(table::aggregate::first(id)).await?;
            tx.one(seen()).await?
        }
    };
    let seq = row.map_or(0, |row| row.seq);
    tx.push(table::aggregate::update(id, seq + 1));
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
        use outbox::Living;
        use sea_orm::entity::prelude::*;
        use sea_orm::sea_query::{Expr, OnConflict};
        use sea_orm::{Insert, QueryOrder, QuerySelect, Select, Set};

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

        pub fn first(id: Uuid) -> Insert<ActiveModel> {
            let keep = OnConflict::column(Column::Id).do_nothing().to_owned();
            Insert::one(ActiveModel { id: Set(id), seq: Set(0) }).on_conflict(keep)
        }

        pub fn delete(id: Uuid) -> sea_orm::DeleteMany<Entity> {
            Entity::delete_many().filter(Column::Id.eq(id))
        }

        pub fn living(living: Living) -> Select<Entity> {
            match living {
                Living::One(id) => Entity::find_by_id(id),
                Living::Page { after, limit } => {
                    let find = Entity::find().order_by_asc(Column::Id).limit(limit);
                    after.into_iter().fold(find, |find, after| find.filter(Column::Id.gt(after)))
                }
            }
        }

        pub fn update(id: Uuid, seq: i64) -> sea_orm::UpdateMany<Entity> {
            Entity::update_many().col_expr(Column::Seq, Expr::value(seq)).filter(Column::Id.eq(id))
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
