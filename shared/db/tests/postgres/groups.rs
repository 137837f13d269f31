//! New rows of several callers go together, and nobody answers for another.

use super::{open_through_proxy, write_name};
use crate::proxy::Fault;
use crate::things::{Kind, Place, Refused, named, names, open, thing};
use db::{Context, Db, DbError, Tx};
use futures_util::FutureExt;
use futures_util::future::join_all;
use sea_orm::EntityTrait;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;
use uuid::Uuid;

const CALLERS: usize = 100;

async fn write_at_once(db: &Db, names: Vec<String>) -> Vec<Result<Uuid, Refused>> {
    let write = |name: String| async move { write_name(db, &name).await };
    join_all(names.into_iter().map(write)).await
}

/// Rounds in one of which many have to go together: on a busy machine who waits for others for too long goes alone, as
/// at first.
const ROUNDS: usize = 50;

#[tokio::test]
async fn rows_of_many_callers_are_committed_together() {
    let Some((db, place)) = open(Kind::Postgres, |_| {}).await else { return };
    go_together(&db, &place).await;
}

/// A time after which nobody waits for others any more would have all go alone just when a commit takes longer than that.
#[tokio::test]
async fn they_also_go_together_where_the_server_is_slow() {
    let Some((db, place, proxy)) = open_through_proxy(|_| {}).await else { return };
    proxy.set(Fault::Slow(Duration::from_millis(30)));
    go_together(&db, &place).await;
}

/// Many write at once, until their rows go together.
async fn go_together(db: &Db, place: &Place) {
    for round in 0..ROUNDS {
        let before = commits(place).await;
        let written = write_at_once(db, (0..CALLERS).map(|n| format!("{round}-{n:03}")).collect()).await;
        assert!(written.iter().all(Result::is_ok), "{written:?}");
        assert_eq!(names(db).await.len(), (round + 1) * CALLERS);
        if commits(place).await - before < CALLERS / 2 {
            return;
        }
    }
    panic!("in no round did the rows of {CALLERS} callers go together");
}

/// Transactions whose rows are there.
async fn commits(place: &Place) -> usize {
    place.scratch().column("SELECT DISTINCT xmin::text::bigint FROM test.thing").await.len()
}

#[tokio::test]
async fn who_breaks_a_constraint_takes_nobody_along() {
    let Some((db, place)) = open(Kind::Postgres, |_| {}).await else { return };
    write_name(&db, "taken").await.unwrap();
    for round in 0..ROUNDS {
        let before = commits(&place).await;
        // Few enough that a whole group has none.
        let name = |n: usize| if n.is_multiple_of(50) { "taken".to_owned() } else { format!("{round}-{n:03}") };
        let written = write_at_once(&db, (0..CALLERS).map(name).collect()).await;
        for (n, written) in written.into_iter().enumerate() {
            if n.is_multiple_of(50) {
                assert_eq!(written, Err(Refused::Db(DbError::Unique { constraint: "thing.name".to_owned() })), "{n}");
            } else {
                written.unwrap();
            }
        }
        assert_eq!(names(&db).await.len(), (round + 1) * (CALLERS - CALLERS / 50) + 1);
        if commits(&place).await - before < CALLERS / 2 {
            return;
        }
    }
    panic!("in no round did anybody go together, so that nobody could be taken along");
}

#[tokio::test]
async fn who_goes_away_takes_nobody_along() {
    let Some((db, _place)) = open(Kind::Postgres, |_| {}).await else { return };
    let (rounds, mut kept, mut gone) = (20, Vec::new(), 0);
    for round in 0..rounds {
        let write = |n: usize| {
            let (name, db) = (format!("name-{round}-{n:03}"), db.clone());
            // Every other one leaves, at any instant of its life.
            let patience =
                Duration::from_micros(if n.is_multiple_of(2) { 1 + (n * 211 + round * 97) as u64 } else { 10_000_000 });
            async move { (timeout(patience, write_name(&db, &name)).await, name) }
        };
        for (n, (written, name)) in join_all((0..CALLERS).map(write)).await.into_iter().enumerate() {
            match written {
                Ok(written) => kept.push(written.map(|_| name).unwrap()),
                Err(_) if n.is_multiple_of(2) => gone += 1,
                Err(_) => panic!("{name} waited for somebody who has gone"),
            }
        }
    }
    let stored = names(&db).await;
    assert!(kept.iter().all(|name| stored.binary_search(name).is_ok()), "an acknowledged write is missing");
    assert!(gone > 0 && kept.len() > CALLERS * rounds / 2, "{gone} gone, {} kept: the test tests nothing", kept.len());
}

/// Pushes a row, and swallows that there was no connection to read by.
async fn swallow(tx: &mut Tx, _command: &()) -> Result<(), Refused> {
    tx.push(thing::Entity::insert(named(tx.new_id(), "lost", None)));
    let found = tx.all(thing::Entity::find()).now_or_never();
    assert!(found.is_none(), "it waits for a connection");
    Ok(())
}

#[tokio::test]
async fn who_lets_go_of_a_wait_for_a_connection_is_told_that_nothing_was_written() {
    let Some((db, _place)) = open(Kind::Postgres, |options| options.writers = 1).await else { return };
    let (begun, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (context, command) = (Context::default(), ("held".to_owned(), Arc::clone(&begun), Arc::clone(&go)));
    let holding = db.write(&context, &command, hold);
    let context = Context::default();
    let meanwhile = async {
        begun.notified().await;
        let written = db.write(&context, &(), swallow).await;
        go.notify_one();
        written
    };
    let (_, written) = tokio::join!(holding, meanwhile);
    assert!(written.is_err(), "acknowledged, and {:?} is there", names(&db).await);
}

/// Inserts at once, says so, and waits with its commit.
async fn hold(tx: &mut Tx, (name, begun, go): &(String, Arc<Notify>, Arc<Notify>)) -> Result<(), Refused> {
    tx.run(thing::Entity::insert(named(tx.new_id(), name, None))).await?;
    begun.notify_one();
    go.notified().await;
    Err(Refused::Rule)
}

#[tokio::test]
async fn who_waits_for_a_lock_holds_up_nobody() {
    let Some((db, _place)) = open(Kind::Postgres, |options| options.limits.lock = Duration::from_secs(20)).await else {
        return;
    };
    let (begun, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let command = ("held".to_owned(), Arc::clone(&begun), Arc::clone(&go));
    let context = Context::default();
    let holding = db.write(&context, &command, hold);
    let meanwhile = async {
        begun.notified().await;
        let waiting = write_name(&db, "held");
        let others = async {
            // One after the other: the first of them wait for the one that waits.
            for round in 0..5 {
                let names = (0..20).map(|n| format!("name-{round}-{n}")).collect();
                let written = write_at_once(&db, names).await;
                assert!(written.iter().all(Result::is_ok), "{written:?}");
            }
            go.notify_one();
        };
        tokio::join!(biased; waiting, others).0
    };
    let (held, waited) = tokio::join!(holding, meanwhile);
    assert_eq!(held, Err(Refused::Rule));
    waited.unwrap();
    assert_eq!(names(&db).await.len(), 101);
}
