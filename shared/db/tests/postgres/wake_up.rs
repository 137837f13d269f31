//! Waking the relay of another process.

use super::eventually;
use crate::things::{Kind, Refused, insert, open};
use db::{Context, Db, DbOptions, Tx};
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::time::timeout;

async fn emits(tx: &mut Tx, name: &String) -> Result<(), Refused> {
    tx.mark_emitted();
    insert(tx, name).await.map(drop)
}

async fn told(db: &Db) -> bool {
    timeout(Duration::from_secs(10), db.committed().notified()).await.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_does_not_lead_wakes_the_one_that_does() {
    let Some((leader, place)) = open(Kind::Postgres, |_| {}).await else { return };
    let follower = Db::open(DbOptions::postgres(place.scratch().url(), "test")).await.unwrap();
    leader.leads(true);
    assert!(told(&leader).await, "once, when it hears");
    for n in 0..20 {
        follower.write(&Context::default(), &format!("{n}"), emits).await.unwrap();
        assert!(told(&leader).await, "by the follower");
    }
    // Roles change without either being opened anew.
    leader.leads(false);
    // What its own commits told it is taken first: taken later, the word that it hears could be among it.
    while timeout(Duration::from_millis(50), follower.committed().notified()).await.is_ok() {}
    follower.leads(true);
    assert!(told(&follower).await, "once, when it hears");
    leader.write(&Context::default(), &"last".to_owned(), emits).await.unwrap();
    assert!(told(&follower).await, "by the one that led");
}

/// Who listens, by the last words of their sessions.
const HEARS: &str = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'";
const CUT: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND query LIKE 'LISTEN%'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_is_cut_is_made_anew_and_what_was_called_meanwhile_is_not_missed() {
    let Some((leader, place)) = open(Kind::Postgres, |_| {}).await else { return };
    let follower = Db::open(DbOptions::postgres(place.scratch().url(), "test")).await.unwrap();
    leader.leads(true);
    assert!(told(&leader).await, "once, when it hears");
    for n in 0..5 {
        assert_eq!(place.scratch().column(CUT).await.len(), 1, "one line, and it was cut");
        // Whether the call comes before the new line or after it: the leader looks.
        follower.write(&Context::default(), &format!("{n}"), emits).await.unwrap();
        assert!(told(&leader).await, "of what was called meanwhile");
        eventually("nobody listens again", async || !place.scratch().column(HEARS).await.is_empty()).await;
    }
    leader.close().await;
    eventually("a closed database listens", async || place.scratch().column(HEARS).await.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_commits_are_few_calls() {
    let Some((db, place)) = open(Kind::Postgres, |_| {}).await else { return };
    let config: tokio_postgres::Config = place.scratch().url().parse().unwrap();
    let (client, mut wire) = config.connect(tokio_postgres::NoTls).await.unwrap();
    let heard = Arc::new(AtomicU64::new(0));
    let counting = tokio::spawn({
        let heard = Arc::clone(&heard);
        async move {
            while let Some(Ok(message)) = poll_fn(|context| wire.poll_message(context)).await {
                if matches!(message, tokio_postgres::AsyncMessage::Notification(_)) {
                    heard.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    });
    client.batch_execute("LISTEN cleave_test").await.unwrap();
    let started = Instant::now();
    for n in 0..400 {
        db.write(&Context::default(), &format!("{n}"), emits).await.unwrap();
    }
    db.close().await;
    client.batch_execute("NOTIFY cleave_test").await.unwrap();
    let most = started.elapsed().as_millis() / 20 + 3;
    client.simple_query("SELECT 1").await.unwrap();
    let heard = heard.load(Ordering::Relaxed);
    counting.abort();
    assert!(heard > 1 && u128::from(heard) <= most && heard < 400, "{heard} calls in {:?}", started.elapsed());
}
