//! A process of the suite: real outboxes, relays and inboxes of three domains on one bus, without HTTP. Rule: it has a
//! runtime of its own, so that a crash ends all of it at once, wherever it is.

use super::effect::{self, Migrator, mark};
use chrono::TimeDelta;
use contracts::notification::v1::NotificationSent;
use contracts::task::v1::TaskAssigned;
use contracts::user::Role;
use contracts::user::v1::UserCreated;
use contracts::{Event, NotificationId, Stream, TaskId, UserId, topology};
use db::{Context, Db, DbError, OpenError, Store, Tx, lock_for_migrations, migration_connection};
use outbox::{Heard, ListenError, Listeners, Messaging, Options, Snapshots, Tuning, Unfinished};
use rusqlite::ErrorCode;
use sea_orm::Database;
use sea_orm_migration::MigratorTrait;
use std::collections::HashMap;
use std::future::pending;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use testkit::conformance::{EventBus, Stand};
use testkit::{Topology, eventually};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::time::timeout;
use uuid::Uuid;

pub const ALL: [&str; 3] = ["user", "task", "notification"];
const PATIENCE: Duration = Duration::from_secs(60);

type Running<'t> = Pin<Box<dyn Future<Output = Result<(), ListenError>> + Send + 't>>;

/// How a listener takes the events of one aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Refuses,
    Panics,
    Slow(Duration),
    Waits,
}

/// What the listeners share with the test.
#[derive(Clone, Default)]
pub struct Script {
    moods: Arc<Mutex<HashMap<Uuid, Mood>>>,
    pub waiting: Arc<watch::Sender<bool>>,
    open: Arc<watch::Sender<bool>>,
}

/// Where processes run, one after the other.
pub struct Stage {
    stand: Arc<Stand>,
    pub script: Script,
    pub listener_deadline: Duration,
}

pub struct Process {
    pub bus: Option<Arc<dyn EventBus>>,
    domains: Vec<Domain>,
    stand: Arc<Stand>,
    runtime: Option<Runtime>,
}

struct Domain {
    db: Db,
    messaging: Messaging,
}

impl Stage {
    /// Empty databases; none where a server is missing.
    pub async fn of(pair: &Topology) -> Option<Self> {
        let stand = Arc::new(Stand::of(pair).await?);
        for domain in ALL {
            migrate(&stand, domain).await;
        }
        Some(Self { stand, script: Script::default(), listener_deadline: Duration::from_secs(5) })
    }

    /// Starts a process.
    pub async fn process(&self) -> Process {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (stand, script, deadline) = (Arc::clone(&self.stand), self.script.clone(), self.listener_deadline);
        let (bus, domains) = runtime.spawn(async move { start(&stand, &script, deadline).await }).await.unwrap();
        Process { bus: Some(bus), domains, stand: Arc::clone(&self.stand), runtime: Some(runtime) }
    }

    pub fn mood(&self, subject: Uuid, mood: Option<Mood>) {
        let mut moods = self.script.moods.lock().unwrap();
        match mood {
            Some(mood) => moods.insert(subject, mood),
            None => moods.remove(&subject),
        };
    }

    /// Ends every [`Mood::Waits`].
    pub fn let_go(&self) {
        self.script.open.send_replace(true);
    }

    /// Returns when a listener waits.
    pub async fn somebody_waits(&self) {
        let mut waiting = self.script.waiting.subscribe();
        timeout(PATIENCE, waiting.wait_for(|waiting| *waiting)).await.unwrap().unwrap();
    }
}

async fn migrate(stand: &Stand, domain: &str) {
    match stand.database(domain).store {
        Store::File(path) => {
            let connection = Database::connect(format!("sqlite://{}?mode=rwc", path.display())).await.unwrap();
            Migrator::up(&connection, None).await.unwrap();
            connection.close().await.unwrap();
        }
        Store::Postgres(server) => {
            let lock = lock_for_migrations(&server).await.unwrap();
            let connection = migration_connection(&server).await.unwrap();
            Migrator::up(&connection, None).await.unwrap();
            connection.close().await.unwrap();
            drop(lock);
        }
    }
}

/// A process that was killed holds nothing; of one that only this process let go of, a commit may still be under way.
async fn open(stand: &Stand, domain: &'static str) -> Db {
    eventually("the database is free", Duration::from_secs(5), async || match Db::open(stand.database(domain)).await {
        Err(OpenError::Open { source, .. }) if source.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => None,
        opened => Some(opened.unwrap()),
    })
    .await
}

async fn start(stand: &Stand, script: &Script, listener_deadline: Duration) -> (Arc<dyn EventBus>, Vec<Domain>) {
    let bus = stand.bus(&ALL).await;
    let mut domains = Vec::new();
    for domain in ALL {
        let db = open(stand, domain).await;
        let tuning = Tuning { listener_deadline, ..Tuning::default() };
        let (listeners, bus) = (script.listeners(domain), Arc::clone(&bus));
        let (streams, snapshots) = (topology::heard_by(domain), Snapshots::new());
        let options = Options { domain, db: db.clone(), bus, streams, listeners, snapshots, tuning };
        domains.push(Domain { db, messaging: Messaging::start(options).await });
    }
    (bus, domains)
}

impl Script {
    fn listeners(&self, consumer: &'static str) -> Listeners {
        let of_users = scripted::<UserCreated>(self.clone(), |user| user.user_id.uuid());
        let of_tasks = scripted::<TaskAssigned>(self.clone(), |task| task.task_id.uuid());
        Listeners::new(consumer).on::<UserCreated, _>(of_users).on::<TaskAssigned, _>(of_tasks)
    }

    async fn play(&self, subject: Uuid) -> Result<(), ListenError> {
        let mood = self.moods.lock().unwrap().get(&subject).copied();
        match mood {
            None => {}
            Some(Mood::Refuses) => return Err(ListenError::Retry("not yet".to_owned())),
            Some(Mood::Panics) => panic!("a listener that panics, as the case wants it"),
            Some(Mood::Slow(time)) => drop(timeout(time, pending::<()>()).await),
            Some(Mood::Waits) => {
                self.waiting.send_replace(true);
                drop(self.open.subscribe().wait_for(|open| *open).await);
            }
        }
        Ok(())
    }
}

fn scripted<E: Send + Sync + 'static>(
    script: Script,
    subject: fn(&E) -> Uuid,
) -> impl for<'t> Fn(&'t mut Tx, &'t Heard<E>) -> Running<'t> + Send + Sync {
    move |tx, heard| {
        let script = script.clone();
        Box::pin(async move {
            let subject = subject(&heard.data);
            tx.push(effect::insert(subject, heard.envelope.sequence));
            script.play(subject).await
        })
    }
}

/// An event of each publisher.
pub fn user(subject: Uuid) -> UserCreated {
    UserCreated {
        user_id: UserId(subject),
        username: "u".to_owned(),
        email: "u@example.org".to_owned(),
        display_name: None,
        timezone: "UTC".to_owned(),
        role: Role::User,
        is_active: true,
    }
}

pub fn task(subject: Uuid) -> TaskAssigned {
    let somebody = UserId(subject);
    TaskAssigned { task_id: TaskId(subject), title: "t".to_owned(), assignee_id: somebody, by: somebody }
}

pub fn notification(subject: Uuid) -> NotificationSent {
    let recipient_id = UserId(subject);
    NotificationSent { notification_id: NotificationId(subject), recipient_id, channels: Vec::new() }
}

/// An event that is to be emitted at a place in its aggregate's stream.
struct Emission<E> {
    event: E,
    aggregate: &'static str,
    subject: Uuid,
    seq: i64,
}

async fn emit<E: Event + Clone>(tx: &mut Tx, emission: &Emission<E>) -> Result<(), DbError> {
    let mut stream = Stream::at(emission.aggregate, emission.subject, emission.seq - 1);
    outbox::emit(tx, emission.event.clone(), &mut stream);
    Ok(())
}

async fn unmark(tx: &mut Tx, (): &()) -> Result<u64, DbError> {
    tx.run(mark::forget_all()).await
}

impl Process {
    pub fn db(&self, domain: &str) -> &Db {
        let place = ALL.iter().position(|name| *name == domain).unwrap();
        &self.domains[place].db
    }

    /// Emits an event in a transaction of its own; the aggregate is called like the domain.
    pub async fn emit<E: Event + Clone + Sync>(&self, domain: &'static str, event: E, subject: Uuid, seq: i64) {
        let emission = Emission { event, aggregate: domain, subject, seq };
        self.db(domain).write(&Context::default(), &emission, emit).await.unwrap();
    }

    /// Emits that many events of each user, in turns.
    pub async fn emit_users(&self, subjects: &[Uuid], seqs: std::ops::RangeInclusive<i64>) {
        for seq in seqs {
            for subject in subjects {
                self.emit("user", user(*subject), *subject, seq).await;
            }
        }
    }

    /// The relay offers all again that it has offered before.
    pub async fn offer_again(&self, domain: &str) {
        self.db(domain).write(&Context::default(), &(), unmark).await.unwrap();
        self.wake();
    }

    /// The effects of a consumer, in the order of their commits.
    pub async fn effects(&self, consumer: &str, subject: Uuid) -> Vec<i64> {
        let rows = self.db(consumer).reader().all(effect::of(subject)).await.unwrap();
        rows.into_iter().map(|row| row.seq).collect()
    }

    /// Returns when a consumer has had the first `upto` effects of an aggregate; each once, and in order.
    pub async fn has_heard(&self, consumer: &str, subject: Uuid, upto: i64) {
        let wanted: Vec<i64> = (1..=upto).collect();
        let effects = eventually(&format!("{consumer} hears {upto} of {subject}"), PATIENCE, async || {
            let effects = self.effects(consumer, subject).await;
            (effects.len() >= wanted.len()).then_some(effects)
        })
        .await;
        assert_eq!(effects, wanted, "{consumer}: each once, and in order");
    }

    /// Returns when the relay has marked everything.
    pub async fn has_published(&self, domain: &str) {
        eventually("everything is published", PATIENCE, async || {
            (outbox::unpublished(self.db(domain)).await.unwrap() == 0).then_some(())
        })
        .await;
    }

    /// What a consumer has taken and not handled, when it is as wanted.
    pub async fn keeps(&self, consumer: &str, what: &str, wanted: impl Fn(&[Unfinished]) -> bool) -> Vec<Unfinished> {
        eventually(what, PATIENCE, async || {
            let rows = outbox::unfinished(self.db(consumer), consumer).await.unwrap();
            wanted(&rows).then_some(rows)
        })
        .await
    }

    /// Time passes, and whatever waits looks at the clock.
    pub fn advance(&self, seconds: i64) {
        self.stand.clock().advance(TimeDelta::seconds(seconds));
        self.wake();
    }

    fn wake(&self) {
        self.domains.iter().for_each(|domain| domain.messaging.wake());
    }

    /// Ends in good order.
    pub async fn stop(mut self) {
        for domain in &self.domains {
            domain.messaging.stop_relay().await;
        }
        for domain in &self.domains {
            domain.messaging.stop_inbox().await;
        }
        self.end();
    }

    /// Ends as a process that is killed: every task where it is, every connection without a word.
    pub fn crash(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        runtime.shutdown_background();
        let (bus, domains) = (self.bus.take(), std::mem::take(&mut self.domains));
        // Outside any runtime, where nothing can be said goodbye to.
        std::thread::spawn(move || drop((bus, domains))).join().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}
