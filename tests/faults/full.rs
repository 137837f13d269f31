//! The broker is away for longer than the outbox has room. Rule: commands are refused then, with a word when to come again;
//! reading goes on; nobody restarts anything; and afterwards nothing is missing.

use crate::ALONE;
use std::time::{Duration, Instant};
use testkit::{Topology, eventually};
use tests::faults::broker::PrivateBroker;
use tests::faults::caller::Caller;
use tests::faults::fleet::{FULL_AT, Fleet, Place};
use tests::faults::held::number;
use tests::faults::trial::Trial;
use tokio::task::block_in_place;

const LIMIT: &str = "150";
/// What may be under way when the limit is reached, and what an event causes that is handled meanwhile.
const BEYOND: i64 = 150;
const PATIENCE: Duration = Duration::from_secs(60);
const RECOVERY: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_are_refused_while_the_outbox_is_full_and_reading_goes_on() {
    let _alone = ALONE.lock().await;
    let Some(mut broker) = block_in_place(PrivateBroker::start) else { return };
    let bus = block_in_place(|| broker.virtual_host("full"));
    let fleet = Fleet::start_with(Topology::EMBEDDED_RABBIT, Place::Files, Some(&bus), &[(FULL_AT, LIMIT)]).await;
    let caller = Caller::new(&fleet.addresses());
    let mut trial = Trial::begin(fleet, number("CLEAVE_TEST_SEED", 1), 60.0).await;
    let messaging =
        async || Some(caller.look(0, "/health?verbose=true").await.ok()?.1["checks"]["task"]["messaging"].clone());
    assert!(messaging().await.unwrap()["refusing"].is_null());

    block_in_place(|| broker.stop());
    let refusing = async || {
        let messaging = messaging().await?;
        let why = messaging["refusing"].as_str()?.to_owned();
        Some((why, messaging["pending"].as_i64()?))
    };
    let (why, pending) = eventually("a full outbox", PATIENCE, refusing).await;
    println!("{why}");
    let limit: i64 = LIMIT.parse().unwrap();
    assert!((limit..limit + BEYOND).contains(&pending), "{pending} events wait");
    let before = trial.acknowledged();
    let refusal = trial.refusal().await;
    assert_eq!((refusal.status, refusal.code.as_str()), (503, "unavailable"), "{refusal:?}");
    assert_eq!(refusal.retry_after.as_deref(), Some("5"), "{refusal:?}");
    let (status, health) = caller.look(0, "/health").await.unwrap();
    assert_eq!((status, health["services"]["task"].as_str()), (503, Some("unhealthy")));
    assert_eq!(caller.look(0, "/health/ready").await.unwrap().0, 200, "it can be read from");
    assert_eq!(trial.reads().await, 200);
    let pending = messaging().await.unwrap()["pending"].as_i64().unwrap();
    assert!(pending < limit + BEYOND, "{pending} events wait, and more and more");

    block_in_place(|| broker.run());
    let back = Instant::now();
    trial.recover_within(RECOVERY).await;
    println!(
        "{before} commands were acknowledged until then; all is well {:.1?} after the broker was back",
        back.elapsed()
    );
    // What waits is counted every other second.
    let accepts = async || messaging().await?["refusing"].is_null().then_some(());
    eventually("it refuses nothing any more", PATIENCE, accepts).await;
    trial.more(50).await;
    let report = trial.finish().await;
    println!("{report}");
    report.assert_clean(RECOVERY);
}
