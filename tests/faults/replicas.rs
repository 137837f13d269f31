//! One of two replicas dies under load. Rule: the other goes on, also when the dead one was the one that relayed; each event has
//! its effect once.

use crate::ALONE;
use db::testing::Scratch;
use std::time::Duration;
use testkit::Topology;
use tests::faults::fleet::{Fleet, Place, TWO_REPLICAS};
use tests::faults::held::number;
use tests::faults::trial::{Recovery, Trial};
use tokio::task::block_in_place;

/// The relay's lease, and the look of who wants it.
const TAKE_OVER: Duration = Duration::from_secs(12);
/// What was left over meanwhile may take longer on a machine that has other work.
const RECOVERY: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_replicas_one_is_killed_under_load_and_the_other_goes_on() {
    let _alone = ALONE.lock().await;
    if !Topology::MONOLITH_PG.can_run() {
        return;
    }
    let Some(scratch) = Scratch::new().await else { return };
    let fleet = Fleet::start(TWO_REPLICAS, Place::Database(scratch.url()), None).await;
    let mut trial = Trial::begin(fleet, number("CLEAVE_TEST_SEED", 1), 60.0).await;
    trial.more(100).await;
    trial.keep_up().await;
    for n in 0..number("CLEAVE_TEST_REPLICA_KILLS", 2) {
        block_in_place(|| trial.fleet.kill("one"));
        let Recovery { missing, first, all, .. } = trial.recover().await;
        println!(
            "kill {n}: {missing} effects were missing, the first was there after {first:.1?}, all after {all:.1?}"
        );
        assert!(first < TAKE_OVER, "the other goes on only after {first:?}");
        // Who starts takes the relays over at once, so that the next to be killed is the one that relays.
        trial.fleet.revive("one").await;
        trial.more(50).await;
        trial.keep_up().await;
    }
    let report = trial.finish().await;
    println!("{report}");
    report.assert_clean(RECOVERY);
}
