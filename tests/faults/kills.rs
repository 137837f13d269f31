//! Processes are killed under load, at instants that a seed picks and at every point that has a name. Rule: what was
//! acknowledged is there, each effect is there once and in order, and from the start of the process to the last effect
//! that was missing it takes 2 s at most.

use crate::ALONE;
use db::testing::Scratch;
use std::time::Duration;
use testkit::Topology;
use tests::faults::fleet::{Fleet, Place};
use tests::faults::held::number;
use tests::faults::mind::Dice;
use tests::faults::trial::{Trial, last};
use tokio::task::block_in_place;

/// The one process.
const CLEAVE: &str = "cleave";
/// Events a second.
const LOAD: f64 = 60.0;
/// The most that any restart may take; that 95 of 100 take [`GOAL`] is for a machine without other work.
const RECOVERY: Duration = Duration::from_secs(10);
const GOAL: Duration = Duration::from_secs(2);
/// Kills of one system; then everything is checked, and the next begins.
const TOGETHER: u64 = 200;

async fn killed_at_random(topology: Topology, place: impl AsyncFn() -> (Place, Option<Scratch>)) {
    let (mut left, mut seed) = (number("CLEAVE_TEST_KILLS", 6), number("CLEAVE_TEST_SEED", 1));
    while left > 0 {
        let kills = left.min(TOGETHER);
        let (place, _scratch) = place().await;
        let mut trial = Trial::begin(Fleet::start(topology, place, None).await, seed, LOAD).await;
        let mut dice = Dice::new(seed);
        for _ in 0..kills {
            last(milliseconds(&mut dice, 800)).await;
            block_in_place(|| trial.fleet.kill(CLEAVE));
            if dice.below(5) == 0 {
                // Once more, somewhere in its start.
                trial.fleet.spawn(CLEAVE);
                last(milliseconds(&mut dice, 400)).await;
                block_in_place(|| trial.fleet.kill(CLEAVE));
            }
            let recovery = trial.restart(&[CLEAVE]).await;
            if recovery.effects > GOAL {
                println!("beyond the goal: {recovery:?}\n{}", trial.fleet.said());
            }
        }
        let report = trial.finish().await;
        println!("seed {seed}: {kills} kills, goal {GOAL:?}: {report}");
        report.assert_clean(RECOVERY);
        (left, seed) = (left - kills, seed + 1);
    }
}

fn milliseconds(dice: &mut Dice, below: usize) -> Duration {
    Duration::from_millis(dice.below(below).try_into().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_on_files_that_is_killed_at_random_loses_nothing() {
    let _alone = ALONE.lock().await;
    killed_at_random(Topology::EMBEDDED, async || (Place::Files, None)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_on_postgres_that_is_killed_at_random_loses_nothing() {
    let _alone = ALONE.lock().await;
    if !Topology::MONOLITH_PG.can_run() {
        return;
    }
    let place = async || {
        let scratch = Scratch::new().await.unwrap();
        (Place::Database(scratch.url()), Some(scratch))
    };
    killed_at_random(Topology::MONOLITH_PG, place).await;
}
