//! A server without room for one more connection. Rule: it is said within the acquire limit, what the process has is
//! shared, and nothing hangs.

use super::server_with_table;
use crate::things::{Refused, names, thing};
use crate::{eventually, write_name};
use db::{Db, DbError, DbOptions, OpenError, Server, lock_for_migrations, migration_connection};
use futures_util::future::join_all;
use sea_orm::EntityTrait;
use std::time::{Duration, Instant};
use tokio_postgres::{Client, Config, NoTls};

/// Five connections for those who are not its superuser.
const NARROW: [(&str, &str); 2] = [("max_connections", "8"), ("superuser_reserved_connections", "3")];

/// Takes all the room that is left.
async fn fill(url: &str) -> Vec<Client> {
    let config: Config = url.parse().unwrap();
    let mut clients = Vec::new();
    while let Ok((client, wire)) = config.connect(NoTls).await {
        tokio::spawn(wire);
        clients.push(client);
    }
    assert!(!clients.is_empty());
    clients
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_room_a_start_is_refused_within_seconds_and_the_line_says_why() {
    let Some((mut scratch, _server)) = server_with_table(&NARROW).await else { return };
    let url = scratch.role("").await;
    let hogs = fill(&url).await;
    let started = Instant::now();
    let opened = Db::open(DbOptions::postgres(&url, "test")).await.err().unwrap();
    assert!(matches!(opened, OpenError::Full { .. }), "{opened:?}");
    let server = Server::new(&url, "test");
    let locked = lock_for_migrations(&server).await.err().unwrap();
    let migrating = migration_connection(&server).await.err().unwrap();
    for line in [opened.to_string(), locked.to_string(), migrating.to_string()] {
        assert!(line.contains("53300") && !line.contains('\n'), "{line}");
    }
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    drop(hogs);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_room_writes_share_the_connections_that_the_process_has() {
    let Some((mut scratch, _server)) = server_with_table(&NARROW).await else { return };
    scratch.execute("GRANT USAGE ON SCHEMA test TO PUBLIC; GRANT ALL ON test.thing TO PUBLIC").await;
    let url = scratch.role("").await;
    let db = Db::open(DbOptions::postgres(&url, "test")).await.unwrap();
    let mut hogs = fill(&url).await;
    let written = join_all((0..60).map(|n| {
        let db = db.clone();
        async move { write_name(&db, &format!("{n}")).await }
    }));
    let written = written.await;
    assert!(written.iter().all(Result::is_ok), "one connection is enough: {written:?}");
    let started = Instant::now();
    let read = db.reader().all(thing::Entity::find()).await;
    assert!(matches!(read, Err(DbError::Unavailable(_))), "{read:?}");
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    // Which rule a second row of a name breaks cannot be looked up: it is trouble, not a rule that nobody knows.
    let twice = write_name(&db, "0").await;
    assert!(matches!(twice, Err(Refused::Db(DbError::Unavailable(_)))), "{twice:?}");
    // Somebody leaves.
    hogs.pop();
    eventually("reads do not come back", async || db.reader().all(thing::Entity::find()).await.is_ok()).await;
    assert_eq!(names(&db).await.len(), 60);
    let taken = Err(Refused::Db(DbError::Unique { constraint: "thing.name".to_owned() }));
    assert_eq!(write_name(&db, "0").await, taken);
    db.close().await;
}
