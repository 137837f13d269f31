//! Replicas are restarted one after the other under load, behind a gateway. Rule: nobody who asks with a key is told that it
//! did not work, and what a replica had under way is not lost.

use crate::ALONE;
use db::testing::Scratch;
use std::sync::atomic::Ordering;
use std::time::Duration;
use testkit::{Part, Topology, VirtualHost};
use tests::faults::fleet::{DOMAINS, Fleet, Place};
use tests::faults::held::number;
use tests::faults::trial::Trial;
use tokio::task::block_in_place;

const RECOVERY: Duration = Duration::from_secs(30);
/// Events a second.
const EVENTS: f64 = 40.0;
const REPLICAS: [&str; 2] = ["one", "two"];
const PARTS: &[Part] = &[Part::new("one", &DOMAINS), Part::new("two", &DOMAINS), Part::gateway()];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_are_restarted_in_turn_refuse_nobody() {
    let _alone = ALONE.lock().await;
    if !Topology::MONOLITH_RABBIT.can_run() {
        return;
    }
    let (scratch, host) = (Scratch::new().await.unwrap(), block_in_place(VirtualHost::new).unwrap());
    let rolling = Topology { name: "rolling", ..Topology::MONOLITH_RABBIT.with_processes(PARTS) };
    let mut fleet = Fleet::prepare(rolling, Place::Database(scratch.url()), Some(&host.url()));
    for name in REPLICAS {
        // As an orchestrator wants it: it serves on until nobody sends it anything.
        fleet.set(name, "CLEAVE_DRAIN_DELAY", Some("3s"));
    }
    fleet.names().into_iter().for_each(|name| fleet.spawn(name));
    fleet.ready().await;
    let mut trial = Trial::begin(fleet, number("CLEAVE_TEST_SEED", 1), EVENTS).await;
    for n in 0..number("CLEAVE_TEST_ROLLING_RESTARTS", 1) {
        for name in REPLICAS {
            trial.fleet.signal(name, "TERM");
            trial.fleet.ended(name).await;
            let recovery = trial.restart(&[name]).await;
            println!(
                "restart {n} of {name}: {} effects were missing, all after {:.1?}",
                recovery.missing, recovery.all
            );
            trial.more(30).await;
        }
    }
    let counts = trial.counts();
    let report = trial.finish().await;
    let hung_up = counts.hung_up.load(Ordering::Relaxed);
    println!("{report}; {hung_up} requests were given up by clients");
    report.assert_clean(RECOVERY);
    let unknown = u64::try_from(report.unknown).unwrap();
    assert!(unknown <= hung_up, "{unknown} requests were not answered, and clients gave up {hung_up} of them");
}
