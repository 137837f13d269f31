//! A message that is no event is kept as it came, in the consumer's own database.

#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

use async_trait::async_trait;
use bus::{BusStatus, Deliver, EventBus, Published, Steward, Subscription, Undecodable};
use contracts::{Control, Envelope, topology};
use db::testing::Scratch;
use db::{Db, DbOptions, Server, lock_for_migrations, migration_connection};
use outbox::{Listeners, Messaging, Options, Snapshots, Tuning};
use sea_orm::Database;
use sea_orm_migration::{MigrationTrait, MigratorTrait};
use std::sync::{Arc, Mutex};
use std::time::Duration;

struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        migration_messaging::migrations()
    }
}

/// A bus that moves nothing and knows who subscribed.
#[derive(Default)]
struct Subscribers(Mutex<Vec<Subscription>>);

#[async_trait]
impl EventBus for Subscribers {
    async fn publish_batch(&self, batch: &[Envelope], _deadline: Duration) -> Vec<Published> {
        vec![Published::Accepted; batch.len()]
    }

    async fn subscribe(&self, subscription: Subscription) {
        self.0.lock().unwrap().push(subscription);
    }

    async fn unsubscribe(&self, _consumer: &str) {}

    async fn appoint(&self, _domain: &'static str, _steward: Arc<dyn Steward>) {}

    async fn tell(&self, _to: &str, _message: &Control, _deadline: Duration) -> Published {
        Published::NoRoute
    }

    fn hearers(&self, _domain: &str, _aggregate: &str) -> Vec<&'static str> {
        Vec::new()
    }

    fn status(&self) -> BusStatus {
        BusStatus { kind: "none", trouble: None }
    }
}

/// Keeps two messages in the inbox of the task domain.
async fn keep(options: DbOptions) {
    let db = Db::open(options).await.unwrap();
    let bus = Arc::new(Subscribers::default());
    let messaging = Messaging::start(Options {
        domain: "task",
        db,
        bus: Arc::clone(&bus) as _,
        streams: topology::heard_by("task"),
        listeners: Listeners::new("task"),
        snapshots: Snapshots::new(),
        tuning: Tuning::default(),
    })
    .await;
    let inbox: Arc<dyn Deliver> = Arc::clone(&bus.0.lock().unwrap().first().unwrap().inbox);
    let message = |headers: &str, body: &[u8]| Undecodable {
        headers: headers.to_owned(),
        body: body.to_vec(),
        error: "not a CloudEvents 1.0 envelope".to_owned(),
    };
    inbox.undecodable(message(r#"{"routing_key":"user.user.created.v1"}"#, &[0, 255, 7])).await.unwrap();
    inbox.undecodable(message("not JSON", b"")).await.unwrap();
    messaging.stop_relay().await;
    messaging.stop_inbox().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_no_event_is_a_row_in_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("task.db");
    let connection = Database::connect(format!("sqlite://{}?mode=rwc", path.display())).await.unwrap();
    Migrator::up(&connection, None).await.unwrap();
    connection.close().await.unwrap();
    keep(DbOptions::file(&path)).await;
    let file = rusqlite::Connection::open(path).unwrap();
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let mut rows = file.prepare("SELECT consumer, headers, body FROM undecodable ORDER BY id").unwrap();
    let kept: Vec<(String, String, Vec<u8>)> = rows.query_map([], read).unwrap().map(Result::unwrap).collect();
    let row = |headers: &str, body: &[u8]| ("task".to_owned(), headers.to_owned(), body.to_vec());
    assert_eq!(kept, [row(r#"{"routing_key":"user.user.created.v1"}"#, &[0, 255, 7]), row("\"not JSON\"", b"")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_no_event_is_a_row_in_a_server() {
    let Some(scratch) = Scratch::new().await else { return };
    let server = Server::new(scratch.url(), "task");
    let lock = lock_for_migrations(&server).await.unwrap();
    let connection = migration_connection(&server).await.unwrap();
    Migrator::up(&connection, None).await.unwrap();
    connection.close().await.unwrap();
    drop(lock);
    keep(DbOptions::postgres(scratch.url(), "task")).await;
    let kept = "SELECT concat_ws(' ', consumer, headers->>'routing_key', encode(body, 'hex')) FROM task.undecodable ORDER BY id";
    let kept: Vec<String> = scratch.column(kept).await.into_iter().map(Option::unwrap).collect();
    assert_eq!(kept, ["task user.user.created.v1 00ff07", "task "]);
}
