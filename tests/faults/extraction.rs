//! A domain becomes a service of its own under load. Rule: it takes its rows along and nothing else; what was on its way
//! within the process arrives over the broker, once and in order; and clients see nothing but a moment of silence.

use crate::ALONE;
use db::testing::Scratch;
use std::time::Duration;
use testkit::{Part, Topology, VirtualHost};
use tests::faults::fleet::{DOMAINS, Fleet, Place};
use tests::faults::held::number;
use tests::faults::store::connect;
use tests::faults::trial::{Trial, last};
use tokio::task::block_in_place;

const RECOVERY: Duration = Duration::from_secs(30);
/// Events a second.
const EVENTS: f64 = 50.0;
const WHOLE: &str = "cleave";
const OWN: &str = "notification";
/// How long nothing arrives before the old process ends; the load goes on.
const HELD_UP: Duration = Duration::from_millis(500);
/// At first only the first of them runs.
const PARTS: &[Part] = &[Part::new(WHOLE, &DOMAINS), Part::new(OWN, &[OWN])];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_domain_that_is_extracted_under_load_loses_and_repeats_nothing() {
    let _alone = ALONE.lock().await;
    if !Topology::MONOLITH_RABBIT.can_run() {
        return;
    }
    let (scratch, host) = (Scratch::new().await.unwrap(), block_in_place(VirtualHost::new).unwrap());
    let extracted = Topology { name: "extraction", ..Topology::MONOLITH_PG.with_processes(PARTS) };
    let mut fleet = Fleet::prepare(extracted, Place::Database(scratch.url()), None);
    let (own, bus) = (fleet.address(OWN), host.url());
    fleet.spawn(WHOLE);
    fleet.ready().await;
    let mut trial = Trial::begin(fleet, number("CLEAVE_TEST_SEED", 1), EVENTS).await;
    trial.more(100).await;

    // What it may not write is on its way when the process ends.
    let holder = connect(&scratch.url()).await.unwrap();
    holder.batch_execute("BEGIN; LOCK TABLE notification.inbox").await.unwrap();
    last(HELD_UP).await;
    block_in_place(|| trial.fleet.kill(WHOLE));
    holder.batch_execute("ROLLBACK").await.unwrap();
    trial.fleet.set(WHOLE, "CLEAVE_DOMAINS", Some(&format!("user,task,{OWN}=http://{own}")));
    for name in [WHOLE, OWN] {
        trial.fleet.set(name, "CLEAVE_BUS", Some(&bus));
    }
    let recovery = trial.restart(&[OWN, WHOLE]).await;
    assert!(recovery.missing > 0, "nothing was on its way");
    println!("extracted: {} effects were missing, all were there after {:.1?}", recovery.missing, recovery.effects);
    trial.more(100).await;

    // And in good order.
    trial.fleet.signal(WHOLE, "TERM");
    trial.fleet.ended(WHOLE).await;
    println!("the rest was restarted: recovered after {:.1?}", trial.restart(&[WHOLE]).await.all);
    trial.more(30).await;
    block_in_place(|| trial.fleet.kill(OWN));
    trial.more(30).await;
    println!("the service was killed: recovered after {:.1?}", trial.restart(&[OWN]).await.all);
    trial.more(50).await;
    let report = trial.finish().await;
    println!("{report}");
    report.assert_clean(RECOVERY);
}
