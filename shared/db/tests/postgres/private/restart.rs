//! The server stops as in a power cut and comes back.

use super::server_with_table;
use crate::things::{Refused, names, thing};
use crate::{LEFT_OPEN, eventually, pause, pauses, write_name};
use db::{Context, Db, DbError, DbOptions};
use futures_util::future::join_all;
use sea_orm::EntityTrait;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Writes until told to stop; what was acknowledged, and what was refused for certain.
async fn write_on(db: &Db, writer: usize, done: &AtomicBool, written: &AtomicUsize) -> (Vec<String>, Vec<String>) {
    let (mut kept, mut refused) = (Vec::new(), Vec::new());
    for n in 0.. {
        if done.load(Ordering::Acquire) {
            break;
        }
        let name = format!("{writer}-{n}");
        let command = pause(&name);
        command.2.notify_one();
        let outcome = match n % 2 {
            0 => write_name(db, &name).await,
            _ => db.write(&Context::default(), &command, pauses).await,
        };
        match outcome {
            Ok(_) => {
                kept.push(name);
                written.fetch_add(1, Ordering::Relaxed);
            }
            Err(Refused::Db(DbError::Unknown(_))) => {}
            Err(Refused::Db(DbError::Unavailable(_) | DbError::Busy | DbError::Conflict)) => {
                refused.push(name);
                // As a client would; a server that is down refuses faster than it comes back.
                let _ = tokio::time::timeout(Duration::from_millis(2), std::future::pending::<()>()).await;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    (kept, refused)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_at_once_under_load_has_every_acknowledged_write_when_it_is_back() {
    let Some((scratch, server)) = server_with_table(&[]).await else { return };
    let db = Db::open(DbOptions::postgres(scratch.url(), "test")).await.unwrap();
    let server = Arc::new(server);
    let (done, written) = (AtomicBool::new(false), AtomicUsize::new(0));
    let mut healed = Vec::new();
    let cutting = async {
        for _ in 0..3 {
            let before = written.load(Ordering::Relaxed);
            eventually("nothing is written", async || written.load(Ordering::Relaxed) > before + 40).await;
            let cut = tokio::task::spawn_blocking({
                let server = Arc::clone(&server);
                move || {
                    server.stop_at_once();
                    server.resume();
                }
            });
            cut.await.unwrap();
            let (back, before) = (Instant::now(), written.load(Ordering::Relaxed));
            eventually("writes do not come back", async || written.load(Ordering::Relaxed) > before).await;
            eventually("reads do not come back", async || db.reader().all(thing::Entity::find()).await.is_ok()).await;
            healed.push(back.elapsed());
        }
        done.store(true, Ordering::Release);
    };
    let writers = join_all((0..6).map(|writer| write_on(&db, writer, &done, &written)));
    let (outcomes, ()) = tokio::join!(writers, cutting);
    assert!(healed.iter().all(|took| *took < Duration::from_secs(3)), "the pool heals slowly: {healed:?}");
    assert_eq!(db.trouble(), None, "health knows that it is over");
    assert_eq!(scratch.column(LEFT_OPEN).await, []);
    let stored = names(&db).await;
    let holds = |name: &String| stored.binary_search(name).is_ok();
    let (mut kept, mut refused) = (0, 0);
    for (acknowledged, taken_back) in outcomes {
        assert!(acknowledged.iter().all(holds), "an acknowledged write is missing");
        assert!(!taken_back.iter().any(holds), "a refused write is there");
        kept += acknowledged.len();
        refused += taken_back.len();
    }
    assert!(kept > 100 && refused > 0, "{kept} kept, {refused} refused: the test tests nothing");
    db.close().await;
}
