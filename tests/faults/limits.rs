//! A process that may write no file longer than it is, as an operator or a system's limits may say. Rule: as a full disk: what could
//! not be written was refused, reading goes on, and when the limit is lifted so does everything else, without a restart.

use crate::ALONE;
use std::time::Duration;
use testkit::{Topology, eventually};
use tests::faults::fleet::{Fleet, Place};
use tests::faults::held::number;
use tests::faults::limits::Limit;
use tests::faults::trial::{Trial, last};
use tokio::task::block_in_place;

const RECOVERY: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(60);
/// Events a second.
const EVENTS: f64 = 30.0;
/// How often the limit is set.
const TIMES: u64 = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_may_not_grow_refuse_writes_and_end_no_process() {
    let _alone = ALONE.lock().await;
    let fleet = Fleet::start(Topology::EMBEDDED, Place::Files, None).await;
    let mut trial = Trial::begin(fleet, number("CLEAVE_TEST_SEED", 1), EVENTS).await;
    for n in 0..TIMES {
        let process = trial.fleet.process("cleave");
        let Some(limit) = block_in_place(|| Limit::of_files(process)) else { return };
        let refused = async || {
            let before = trial.acknowledged();
            last(Duration::from_secs(1)).await;
            (trial.acknowledged() == before).then_some(())
        };
        eventually("a second without a write", PATIENCE, refused).await;
        trial.fleet.assert_nobody_ended();
        assert_eq!(trial.reads().await, 200, "reading goes on");
        let refusal = trial.refusal().await;
        assert_eq!(refusal.status, 503, "{refusal:?}");
        block_in_place(|| limit.lift());
        println!("files at their limit {n}: recovered {:.1?} after it was lifted", trial.recover().await.all);
        trial.more(20).await;
    }
    let report = trial.finish().await;
    println!("{report}");
    report.assert_clean(RECOVERY);
}
