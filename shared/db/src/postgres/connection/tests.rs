//! What a connection does when a part of a batch fails, and what it remembers.

use super::*;
use crate::error::DbError;
use crate::options::Limits;
use crate::postgres::server::{Purpose, Wire};
use crate::postgres::sort::sort_commit;
use crate::testing::Scratch;
use sea_orm::{DbBackend, Statement};
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

fn statement(sql: &str) -> Statement {
    Statement::from_string(DbBackend::Postgres, sql)
}

/// A BEGIN can fail by itself, when it is cancelled or takes too long, while what was sent with it still arrives.
#[tokio::test]
async fn what_is_sent_with_a_begin_that_fails_does_not_commit_by_itself() {
    let Some(scratch) = Scratch::new().await else { return };
    scratch.execute("CREATE SCHEMA test; CREATE TABLE test.thing (n int)").await;
    let (server, limits) = (Server::new(scratch.url(), "test"), Limits::default());
    let dial = server.dial(Purpose::Write, &limits).unwrap();
    let mut connection = Connection::open(&server, &dial, limits.silence).await.unwrap();
    let insert = statement("INSERT INTO thing VALUES (1)");
    // As it arrives when the BEGIN before it has failed.
    let failure = connection.send(&[Order::MustChange(&insert), Order::Commit]).await.unwrap_err();
    assert_eq!((failure.order, failure.must_change), (0, true));
    assert_eq!(scratch.column("SELECT n FROM test.thing").await, []);
    connection.send(&[Order::Begin, Order::MustChange(&insert), Order::Commit]).await.unwrap();
    connection.send(&[Order::MustChange(&insert)]).await.unwrap_err();
    connection.send(&[Order::MustChangeAlone(&insert)]).await.unwrap();
    assert_eq!(scratch.column("SELECT n FROM test.thing").await.len(), 2, "the mark is gone with its transaction");
}

/// Breaks the connection at the instant at which something is sent on it, and before the sender looks for an answer.
struct Breaking {
    armed: AtomicBool,
    wire: Mutex<Option<Pin<Box<Wire>>>>,
}

impl Wake for Breaking {
    fn wake(self: Arc<Self>) {
        if self.armed.load(Ordering::Acquire) {
            self.wire.lock().unwrap().take();
        }
    }
}

/// A thread may be held up between sending and looking; by then the COMMIT may be carried out and the connection gone.
#[tokio::test]
async fn a_commit_on_a_connection_that_breaks_while_it_is_sent_may_have_been_carried_out() {
    let Some(scratch) = Scratch::new().await else { return };
    let (server, limits) = (Server::new(scratch.url(), "public"), Limits::default());
    let (client, wire) = server.connect(&server.dial(Purpose::Write, &limits).unwrap()).await.unwrap();
    let now = Instant::now();
    let (prepared, silence) = (HashMap::new(), limits.silence);
    let mut connection =
        Connection { client, driver: None, prepared, uses: 0, born: now, home: Home::here(), used: now, silence };
    let breaking = Arc::new(Breaking { armed: AtomicBool::new(false), wire: Mutex::new(Some(Box::pin(wire))) });
    let waker = Waker::from(Arc::clone(&breaking));
    let polled =
        breaking.wire.lock().unwrap().as_mut().unwrap().as_mut().poll(&mut std::task::Context::from_waker(&waker));
    assert!(polled.is_pending());
    breaking.armed.store(true, Ordering::Release);
    let failure = connection.send(&[Order::Commit]).await.unwrap_err();
    assert!(matches!(sort_commit(&failure, 0).error, DbError::Unknown(_)), "{failure:?}");
    // Nothing can be sent on it any more, and that is certain.
    let failure = connection.send(&[Order::Commit]).await.unwrap_err();
    assert!(matches!(sort_commit(&failure, 0).error, DbError::Unavailable(_)), "{failure:?}");
}

#[tokio::test]
async fn the_memory_of_prepared_statements_is_bounded() {
    let Some(scratch) = Scratch::new().await else { return };
    scratch.execute("CREATE SCHEMA test").await;
    let (server, limits) = (Server::new(scratch.url(), "test"), Limits::default());
    let dial = server.dial(Purpose::Read, &limits).unwrap();
    let mut connection = Connection::open(&server, &dial, limits.silence).await.unwrap();
    let kept = statement("SELECT 0");
    for n in 1..REMEMBERED + 50 {
        connection.send(&[Order::Read(&statement(&format!("SELECT {n}"))), Order::Read(&kept)]).await.unwrap();
    }
    assert_eq!(connection.prepared.len(), REMEMBERED);
    assert!(connection.prepared.contains_key("SELECT 0"), "what is used is kept");
    let known = connection.client.query_one("SELECT count(*) FROM pg_prepared_statements", &[]).await.unwrap();
    assert!(known.get::<_, i64>(0) <= 260, "the server forgets them too");
}
