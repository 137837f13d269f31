//! A publisher (`user`), a consumer (`task`), and a clock that stands still.

use crate::place::{Kind, Place};
use crate::script::{Mood, Script, emit_one, living, on_snapshot, scripted};
use crate::table;
use crate::thief::Thief;
use chrono::{DateTime, TimeDelta, Utc};
use contracts::user::v1::{UserCreated, UserSnapshot};
use contracts::{Clock, UserId, topology};
use db::testing::Scratch;
use db::{Context, Db, DbError, DbOptions, Tx};
use outbox::{Listeners, Messaging, OnDead, Options, Snapshots, Tuning};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

#[derive(Debug, Clone)]
pub struct StandingClock(Arc<Mutex<DateTime<Utc>>>);

impl Clock for StandingClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }
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
