//! Sessions are killed, answers are lost, the server is silent: nothing acknowledged is lost, nothing refused is kept.

use super::{KILL_ALL, eventually, open_through_proxy, pause, pauses, write_name};
use crate::proxy::Fault;
use crate::things::{Kind, Refused, insert, names, open, thing};
use db::{Context, DbError, DbOptions, Tx};
use futures_util::future::join_all;
use sea_orm::EntityTrait;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_to_a_commit_is_unknown_and_the_work_is_there() {
    async fn read_and_insert(tx: &mut Tx, name: &String) -> Result<Uuid, Refused> {
        tx.all(thing::Entity::find()).await?;
        insert(tx, name).await
    }
    let Some((db, _place, proxy)) = open_through_proxy(|_| {}).await else { return };
    proxy.set(Fault::LostCommit);
    let after_a_read = db.write(&Context::default(), &"after a read".to_owned(), read_and_insert).await;
    assert!(matches!(after_a_read, Err(Refused::Db(DbError::Unknown(_)))), "{after_a_read:?}");
    assert!(db.trouble().is_some(), "health knows of it");
    proxy.set(Fault::None);
    write_name(&db, "then").await.unwrap();
    assert_eq!(db.trouble(), None);
    assert_eq!(names(&db).await, ["after a read", "then"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_is_sent_together_with_its_statements_is_unknown_when_its_answer_is_lost() {
    async fn two(tx: &mut Tx, (): &()) -> Result<(), Refused> {
        insert(tx, &"one".to_owned()).await?;
        insert(tx, &"two".to_owned()).await.map(drop)
    }
    let Some((db, _place, proxy)) = open_through_proxy(|_| {}).await else { return };
    proxy.set(Fault::LostCommit);
    let lost = db.write(&Context::default(), &(), two).await;
    assert!(matches!(lost, Err(Refused::Db(DbError::Unknown(_)))), "{lost:?}");
    proxy.set(Fault::None);
    assert_eq!(names(&db).await, ["one", "two"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_falls_silent_is_given_up_and_used_again_when_it_speaks() {
    let short = |options: &mut DbOptions| options.limits.silence = Duration::from_millis(200);
    let Some((db, _place, proxy)) = open_through_proxy(short).await else { return };
    write_name(&db, "before").await.unwrap();
    assert_eq!(names(&db).await, ["before"]);
    proxy.set(Fault::Silence);
    let started = Instant::now();
    let read = db.reader().one(thing::Entity::find()).await;
    assert!(matches!(read, Err(DbError::Unavailable(_))), "{read:?}");
    let command = pause("in between");
    command.2.notify_one();
    let write = db.write(&Context::default(), &command, pauses).await;
    assert!(matches!(write, Err(Refused::Db(DbError::Unavailable(_)))), "nothing was sent for good: {write:?}");
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    proxy.set(Fault::None);
    write_name(&db, "after").await.unwrap();
    assert_eq!(names(&db).await, ["after", "before"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_killed_in_the_middle_keeps_nothing_and_the_next_write_goes_on() {
    let Some((db, place)) = open(Kind::Postgres, |_| {}).await else { return };
    let command = pause("half");
    let writing = tokio::spawn({
        let (db, command) = (db.clone(), command.clone());
        async move { db.write(&Context::default(), &command, pauses).await }
    });
    command.1.notified().await;
    place.scratch().column(KILL_ALL).await;
    command.2.notify_one();
    let killed = writing.await.unwrap();
    assert!(matches!(killed, Err(Refused::Db(DbError::Unavailable(_)))), "{killed:?}");
    write_name(&db, "next").await.unwrap();
    assert_eq!(names(&db).await, ["next"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_sessions_are_killed_what_is_acknowledged_is_there_and_what_is_refused_is_not() {
    let Some((db, place)) = open(Kind::Postgres, |_| {}).await else { return };
    let done = Arc::new(AtomicUsize::new(0));
    let killing = async {
        while done.load(Ordering::Acquire) < 4 {
            place.scratch().column(KILL_ALL).await;
        }
    };
    let writers = join_all((0..4).map(|writer| {
        let (db, done) = (db.clone(), Arc::clone(&done));
        async move {
            let (mut kept, mut refused) = (Vec::new(), Vec::new());
            for n in 0..150 {
                let name = format!("{writer}-{n}");
                let command = pause(&name);
                command.2.notify_one();
                let written = match n % 2 {
                    0 => write_name(&db, &name).await,
                    _ => db.write(&Context::default(), &command, pauses).await,
                };
                match written {
                    Ok(_) => kept.push(name),
                    Err(Refused::Db(DbError::Unavailable(_) | DbError::Conflict)) => refused.push(name),
                    Err(Refused::Db(DbError::Unknown(_))) => {}
                    Err(other) => panic!("{other:?}"),
                }
            }
            done.fetch_add(1, Ordering::Release);
            (kept, refused)
        }
    }));
    let (outcomes, ()) = tokio::join!(writers, killing);
    eventually("the connections do not come back", async || write_name(&db, "last").await.is_ok()).await;
    let stored = names(&db).await;
    let (mut kept, mut refused) = (0, 0);
    for (acknowledged, taken_back) in outcomes {
        assert!(acknowledged.iter().all(|name| stored.contains(name)), "an acknowledged write is missing");
        assert!(!taken_back.iter().any(|name| stored.contains(name)), "a refused write is there");
        kept += acknowledged.len();
        refused += taken_back.len();
    }
    assert!(kept > 0 && refused > 0, "{kept} kept, {refused} refused: the test tests nothing");
}
