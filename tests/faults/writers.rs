//! What those who share a commit do to each other. Rule: nothing.

use crate::ALONE;
use db::testing::Scratch;
use std::time::Duration;
use testkit::Topology;
use tests::faults::fleet::{Fleet, Place};
use tests::faults::held::number;
use tests::faults::writers::{Extent, Kind, Told, write};

const WRITERS: usize = 200;

async fn nobody_takes_another_along(topology: Topology, place: Place) {
    let seconds = number("CLEAVE_TEST_WRITERS_SECONDS", 6);
    let extent = Extent { seed: number("CLEAVE_TEST_SEED", 1), writers: WRITERS, span: Duration::from_secs(seconds) };
    let outcome = write(Fleet::start(topology, place, None).await, extent).await;
    println!("{outcome}");
    assert!(outcome.violations.is_empty(), "{outcome}");
    for wish in [(Kind::Sound, Told::Done), (Kind::Constraint, Told::Refused), (Kind::Rule, Told::Refused)] {
        assert!(outcome.told.contains_key(&wish), "no write was {wish:?}: {outcome}");
    }
    assert!(outcome.told.contains_key(&(Kind::Gone, Told::Nothing)), "nobody went away: {outcome}");
    let unanswered = outcome.told.get(&(Kind::Sound, Told::Nothing)).copied().unwrap_or_default();
    assert!(unanswered <= WRITERS, "only the end may leave a writer without an answer: {outcome}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_write_takes_no_other_of_its_commit_along() {
    let _alone = ALONE.lock().await;
    nobody_takes_another_along(Topology::EMBEDDED, Place::Files).await;
    if let Some(scratch) = Scratch::new().await {
        nobody_takes_another_along(Topology::MONOLITH_PG, Place::Database(scratch.url())).await;
    }
}
