//! What only a server can do to us: it is killed, it hangs, its answer is lost, it has no room.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at what it did not expect")]

#[path = "postgres/callers.rs"]
mod callers;
#[path = "postgres/faults.rs"]
mod faults;
#[path = "postgres/groups.rs"]
mod groups;
#[path = "postgres/limits.rs"]
mod limits;
#[path = "postgres/private.rs"]
mod private;
#[path = "postgres/proxy.rs"]
mod proxy;
#[path = "postgres/start.rs"]
mod start;
#[path = "postgres/statements.rs"]
mod statements;
#[path = "runner/things.rs"]
mod things;
#[path = "postgres/wake_up.rs"]
mod wake_up;

use db::{Context, Db, DbOptions, Server, Tx};
use proxy::Proxy;
use sea_orm::{EntityTrait, QuerySelect};
use std::sync::Arc;
use std::time::{Duration, Instant};
use things::{Kind, Place, Refused, insert, open, thing};
use tokio::sync::Notify;
use tokio::time::interval;
use uuid::Uuid;

async fn write_name(db: &Db, name: &str) -> Result<Uuid, Refused> {
    db.write(&Context::default(), &name.to_owned(), insert).await
}

async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    let started = Instant::now();
    let mut looks = interval(Duration::from_millis(5));
    while !holds().await {
        assert!(started.elapsed() < Duration::from_secs(20), "{what}");
        looks.tick().await;
    }
}

/// A proxy before the server, and a database behind it.
async fn open_through_proxy(change: impl FnOnce(&mut DbOptions)) -> Option<(Db, Place, Proxy)> {
    let (direct, place) = open(Kind::Postgres, |_| {}).await?;
    let server = server_address(&place);
    let proxy = Proxy::start(server).await;
    direct.close().await;
    let mut options = DbOptions::postgres(place.scratch().url_through(proxy.address), "test");
    change(&mut options);
    Some((Db::open(options).await.unwrap(), place, proxy))
}

fn server_address(place: &Place) -> std::net::SocketAddr {
    let location = Server::new(place.scratch().url(), "test").location();
    let address = location.trim_start_matches("postgres://").split('/').next().unwrap().to_owned();
    std::net::ToSocketAddrs::to_socket_addrs(&address.replace("localhost", "127.0.0.1")).unwrap().next().unwrap()
}

const KILL_ALL: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()";
const LEFT_OPEN: &str = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()
    AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'";

/// Reads, says so, waits, and writes.
async fn pauses(tx: &mut Tx, (name, begun, go): &(String, Arc<Notify>, Arc<Notify>)) -> Result<Uuid, Refused> {
    tx.all(thing::Entity::find().lock_exclusive()).await?;
    begun.notify_one();
    go.notified().await;
    insert(tx, name).await
}

fn pause(name: &str) -> (String, Arc<Notify>, Arc<Notify>) {
    (name.to_owned(), Arc::new(Notify::new()), Arc::new(Notify::new()))
}
