//! The disk under the files of a system: full, failing at the moment of the commit, and cut off there. Rule: what was
//! acknowledged is there; what could not be written was refused; and when there is room again, it goes on without a restart.

use crate::ALONE;
use reqwest::Method;
use serde_json::json;
use std::time::Duration;
use testkit::{Topology, eventually};
use tests::faults::caller::Caller;
use tests::faults::disk::{SmallDisk, Tracer, answered_too_early};
use tests::faults::fleet::{Fleet, Place};
use tests::faults::held::number;
use tests::faults::trial::{Trial, last};
use tokio::task::block_in_place;

const RECOVERY: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(60);
/// Events a second.
const EVENTS: f64 = 30.0;
/// How often each fault is done.
const TIMES: u64 = 3;
/// Of the disk: what the files need, and little more.
const MEGABYTES: u32 = 48;
const CREATES: usize = 30;

fn seed() -> u64 {
    number("CLEAVE_TEST_SEED", 1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_writes_and_loses_none() {
    let _alone = ALONE.lock().await;
    let mut fleet = Fleet::prepare(Topology::EMBEDDED, Place::Files, None);
    let Some(disk) = SmallDisk::over(&fleet.directory().join("cleave"), MEGABYTES) else { return };
    fleet.spawn("cleave");
    fleet.ready().await;
    let mut trial = Trial::begin(fleet, seed(), EVENTS).await;
    for n in 0..TIMES {
        block_in_place(|| disk.fill());
        let refused = async || {
            let before = trial.acknowledged();
            last(Duration::from_secs(1)).await;
            (trial.acknowledged() == before).then_some(())
        };
        eventually("a second without a write", PATIENCE, refused).await;
        assert_eq!(trial.reads().await, 200, "reading goes on");
        disk.free();
        println!("full disk {n}: recovered {:.1?} after there was room", trial.recover().await.all);
        trial.more(20).await;
    }
    let (report, mut fleet) = trial.finish_and_keep().await;
    println!("{report}");
    report.assert_clean(RECOVERY);
    fleet.kill("cleave");
    drop(disk);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_the_disk_fails_or_that_is_cut_off_is_no_acknowledged_one() {
    let _alone = ALONE.lock().await;
    let fleet = Fleet::start(Topology::EMBEDDED, Place::Files, None).await;
    let mut trial = Trial::begin(fleet, seed(), EVENTS).await;
    for n in 0..TIMES {
        let process = trial.fleet.process("cleave");
        let failing = ["-e", "trace=fdatasync,fsync", "-e", "inject=fdatasync,fsync:error=EIO:when=2+3"];
        let Some(tracer) = block_in_place(|| Tracer::of(process, &failing)) else { return };
        last(Duration::from_secs(2)).await;
        let calls = block_in_place(|| tracer.stop());
        assert!(calls.contains("EIO"), "no commit met the fault: {calls}");
        println!("failing commits {n}: recovered after {:.1?}", trial.recover().await.all);
        trial.more(20).await;

        let process = trial.fleet.process("cleave");
        let killing = ["-e", "trace=fdatasync,fsync", "-e", "inject=fdatasync,fsync:signal=KILL:when=5"];
        let tracer = block_in_place(|| Tracer::of(process, &killing)).expect("what was allowed before");
        trial.fleet.ended("cleave").await;
        drop(block_in_place(|| tracer.stop()));
        println!("killed at a commit {n}: recovered after {:.1?}", trial.restart(&["cleave"]).await.all);
        trial.more(20).await;
    }
    let report = trial.finish().await;
    println!("{report}");
    report.assert_clean(RECOVERY);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_write_is_acknowledged_before_it_is_on_the_disk() {
    let _alone = ALONE.lock().await;
    let mut fleet = Fleet::start(Topology::EMBEDDED, Place::Files, None).await;
    let caller = Caller::new(&fleet.addresses());
    let user = caller.register(1).await.remove(0);
    let process = fleet.process("cleave");
    let calls = ["-e", "trace=fdatasync,fsync,write,writev,sendto,sendmsg", "-s", "32"];
    let Some(tracer) = block_in_place(|| Tracer::of(process, &calls)) else { return };
    for n in 0..CREATES {
        let body = json!({"title": format!("Task {n}")});
        let (status, text) = caller.write(&user, Method::POST, "/api/v1/tasks", Some(body)).await.unwrap();
        assert_eq!(status, 201, "{text}");
    }
    let calls = block_in_place(|| tracer.stop());
    let (answers, early) = answered_too_early(&calls);
    println!("{answers} writes acknowledged, {early} of them before an fdatasync");
    assert_eq!((answers, early), (CREATES, 0), "{calls}");
}
