//! The disk under PostgreSQL: full, failing at the moment of the commit, and cut off there. Rule: what was acknowledged is
//! there; what could not be written was refused; and when there is room again, the process goes on without a restart,
//! whether the server did or not.

use crate::ALONE;
use std::time::Duration;
use testkit::{Topology, eventually};
use tests::faults::disk::Tracer;
use tests::faults::fleet::{Fleet, Place};
use tests::faults::held::number;
use tests::faults::postgres::PrivatePostgres;
use tests::faults::trial::{Trial, last};
use tokio::task::block_in_place;

const RECOVERY: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(60);
/// Events a second.
const EVENTS: f64 = 30.0;
/// How often each fault is done.
const TIMES: u64 = 2;
/// Of the disk: what the server needs, and little more.
const MEGABYTES: u32 = 96;
const CONNECTIONS: &str = "max_connections=100";
/// A log that is short enough for that disk.
const LITTLE_LOG: [&str; 2] = ["max_wal_size=8MB", "min_wal_size=2MB"];

fn seed() -> u64 {
    number("CLEAVE_TEST_SEED", 1)
}

async fn begin(server: &PrivatePostgres, name: &str) -> Trial {
    let place = Place::Database(server.database(name).await);
    Trial::begin(Fleet::start(Topology::MONOLITH_PG, place, None).await, seed(), EVENTS).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_of_the_server_refuses_writes_and_loses_none() {
    let _alone = ALONE.lock().await;
    let settings = [CONNECTIONS, LITTLE_LOG[0], LITTLE_LOG[1]];
    let Some(mut server) = PrivatePostgres::start_on_small_disk(&settings, MEGABYTES).await else { return };
    let mut trial = begin(&server, "full_disk").await;
    for n in 0..TIMES {
        block_in_place(|| server.disk().fill());
        let refused = async || {
            let before = trial.acknowledged();
            last(Duration::from_secs(1)).await;
            (trial.acknowledged() == before).then_some(())
        };
        eventually("a second without a write", PATIENCE, refused).await;
        let refusal = trial.refusal().await;
        assert_eq!((refusal.status, refusal.code.as_str()), (503, "unavailable"), "{refusal:?}");
        server.disk().free();
        // One that could not even write its log has ended, and is started as a supervisor would.
        server.run().await;
        println!("full disk {n}: recovered {:.1?} after there was room", trial.recover().await.all);
        trial.more(20).await;
    }
    let report = trial.finish().await;
    println!("{report}");
    report.assert_clean(RECOVERY);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_the_servers_disk_fails_or_that_is_cut_off_there_is_no_acknowledged_one() {
    let _alone = ALONE.lock().await;
    let Some(mut server) = PrivatePostgres::start(&[CONNECTIONS]).await else { return };
    let mut trial = begin(&server, "failing").await;
    let faults = [
        ("failing commits", "inject=fdatasync:error=EIO:when=3+4", "EIO"),
        ("killed at a commit", "inject=fdatasync:signal=KILL:when=5", "killed by SIGKILL"),
    ];
    for n in 0..TIMES {
        for (name, fault, seen) in faults {
            let processes = server.processes();
            let options = ["-e", "trace=fdatasync", "-e", fault];
            let Some(tracer) = block_in_place(|| Tracer::of_all(&processes, &options)) else { return };
            last(Duration::from_secs(2)).await;
            let calls = block_in_place(|| tracer.stop());
            assert!(calls.contains(seen), "no commit met the fault: {calls}\n{}", server.said());
            // It may have given up.
            server.run().await;
            println!("{name} {n}: recovered after {:.1?}", trial.recover().await.all);
            trial.more(20).await;
        }
    }
    let report = trial.finish().await;
    println!("{report}");
    report.assert_clean(RECOVERY);
}
