//! The clock of a process jumps by an hour, forth and back, under load. Rule: order comes from sequences and who relays from
//! the database, so that nothing is lost, repeated, given up or taken over by it. Needs libfaketime.

use crate::ALONE;
use crate::place::place;
use chrono::TimeDelta;
use contracts::{Clock, SystemClock};
use std::path::{Path, PathBuf};
use std::time::Duration;
use testkit::Topology;
use tests::faults::fleet::{Fleet, TWO_REPLICAS};
use tests::faults::held::{is_missing, number, program};
use tests::faults::trial::{Trial, last};

const RECOVERY: Duration = Duration::from_secs(30);
/// Events a second.
const EVENTS: f64 = 30.0;
/// What is added to the time, one after the other.
const JUMPS: [&str; 5] = ["+1h", "+0", "-1h", "+1h", "+0"];
/// How long each lasts: longer than a lease is renewed.
const LASTS: Duration = Duration::from_secs(4);

/// An event of that much later was made by a clock that is wrong.
const AHEAD: TimeDelta = TimeDelta::minutes(30);

/// The library that lies about the time.
fn liar() -> Option<PathBuf> {
    let installed = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let mut places: Vec<PathBuf> = installed.map(|place| place.path().join("faketime")).collect();
    places.push(PathBuf::from("/usr/local/lib/faketime"));
    let places: Vec<&Path> = places.iter().map(PathBuf::as_path).collect();
    let found = program("libfaketimeMT.so.1", &places);
    if found.is_none() {
        is_missing("faketime", "libfaketime is not installed: a clock that jumps was not tried");
    }
    found
}

async fn jumps(topology: Topology, victim: &str) {
    let Some(liar) = liar() else { return };
    if !topology.can_run() {
        return;
    }
    let (place, _scratches) = place(&topology).await;
    let mut fleet = Fleet::prepare(topology, place, None);
    let told = fleet.directory().join("time");
    std::fs::write(&told, "+0").unwrap();
    for (variable, value) in [
        ("LD_PRELOAD", liar.to_str().unwrap()),
        ("FAKETIME_TIMESTAMP_FILE", told.to_str().unwrap()),
        ("FAKETIME_CACHE_DURATION", "1"),
        // Timeouts within a process are monotonic.
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ] {
        fleet.set(victim, variable, Some(value));
    }
    fleet.names().into_iter().for_each(|name| fleet.spawn(name));
    fleet.ready().await;
    let mut trial = Trial::begin(fleet, number("CLEAVE_TEST_SEED", 1), EVENTS).await;
    for jump in JUMPS {
        std::fs::write(&told, jump).unwrap();
        last(LASTS).await;
        println!("{} {jump}: recovered after {:.1?}", topology.name, trial.recover().await.all);
        trial.more(20).await;
    }
    let store = &trial.fleet.stores()["task"];
    let ahead = (SystemClock.now() + AHEAD).timestamp_micros();
    let lied = store.read(&format!("SELECT 1 FROM outbox WHERE {} > {ahead}", store.micros("occurred_at"))).await;
    assert!(!lied.is_empty(), "the clock did not jump");
    let report = trial.finish().await;
    println!("{report}");
    report.assert_clean(RECOVERY);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_loses_and_repeats_nothing() {
    let _alone = ALONE.lock().await;
    jumps(Topology::EMBEDDED, "cleave").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_replicas_whose_clocks_differ_neither_takes_the_others_place() {
    let _alone = ALONE.lock().await;
    jumps(TWO_REPLICAS, "one").await;
}
