//! A little of the long run: every system in turn, under faults that a seed picks. Rule: what the binary `faults` says of half an
//! hour is said here of seconds, so that it never goes stale.

use crate::ALONE;
use std::time::Duration;
use tests::faults::held::number;
use tests::faults::nemesis::Wish;
use tests::faults::round::{Plan, Servers, TOPOLOGIES};
use tests::faults::table::Table;

/// After the longest stop of a process its lease has to run out, or its clients have to give up.
const RECOVERY: Duration = Duration::from_secs(45);
/// Events a second.
const LOAD: f64 = 40.0;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_mixed_faults_nothing_is_lost_in_any_system() {
    let _alone = ALONE.lock().await;
    let span = Duration::from_secs(number("CLEAVE_TEST_ROUND_SECONDS", 12));
    let seed = number("CLEAVE_TEST_SEED", 1);
    let mut servers = Servers::start(&TOPOLOGIES).await;
    let mut table = Table::default();
    for (topology, seed) in TOPOLOGIES.into_iter().zip(seed..) {
        if !servers.serve(&topology) {
            continue;
        }
        let plan = Plan { topology, seed, span, events: LOAD, wish: Wish::default() };
        let round = servers.round(&plan, |fault| println!("{}: {fault}", topology.name)).await;
        table.add(topology.name, &round);
        round.report.assert_clean(RECOVERY);
        assert!(!round.faults.is_empty(), "{} had no fault within {span:?}", topology.name);
    }
    println!("{table}");
    assert!(table.is_clean());
}
