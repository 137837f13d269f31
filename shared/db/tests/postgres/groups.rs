//! New rows of several callers go together, and nobody answers for another.

use super::write_name;
use crate::things::{Kind, Refused, named, names, open, thing};
use db::{Context, Db, DbError, Tx};
use futures_util::future::join_all;
use sea_orm::EntityTrait;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use uuid::Uuid;

const CALLERS: usize = 100;

async fn write_at_once(db: &Db, names: Vec<String>) -> Vec<Result<Uuid, Refused>> {
    let write = |name: String| async move { write_name(db, &name).await };
    join_all(names.into_iter().map(write)).await
}

#[tokio::test]
async fn rows_of_many_callers_are_committed_together() {
    let Some((db, place)) = open(Kind::Postgres, |_| {}).await else { return };
    let written = write_at_once(&db, (0..CALLERS).map(|n| format!("name-{n:03}")).collect()).await;
    assert!(written.iter().all(Result::is_ok), "{written:?}");
    assert_eq!(names(&db).await.len(), CALLERS);
    let commits = place.scratch().column("SELECT DISTINCT xmin::text::bigint FROM test.thing").await.len();
    assert!(commits < CALLERS / 2, "{commits} transactions for {CALLERS} rows");
}

#[tokio::test]
async fn who_breaks_a_constraint_takes_nobody_along() {
    let Some((db, _place)) = open(Kind::Postgres, |_| {}).await else { return };
    write_name(&db, "taken").await.unwrap();
    let name = |n: usize| if n.is_multiple_of(10) { "taken".to_owned() } else { format!("name-{n:03}") };
    let written = write_at_once(&db, (0..CALLERS).map(name).collect()).await;
    for (n, written) in written.into_iter().enumerate() {
        if n.is_multiple_of(10) {
            assert_eq!(written, Err(Refused::Db(DbError::Unique { constraint: "thing.name".to_owned() })), "{n}");
        } else {
            written.unwrap();
        }
    }
    assert_eq!(names(&db).await.len(), CALLERS - CALLERS / 10 + 1);
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
