//! A process ends at every point that has a name, once, under load. Rule: wherever it ends, what was acknowledged is there, each
//! effect is there once and in order; the process that comes after it needs no help.

use crate::ALONE;
use contracts::failpoint::Point;
use db::testing::Scratch;
use std::time::{Duration, Instant};
use testkit::{Topology, VirtualHost, eventually};
use tests::faults::fleet::{ATTEMPTS, Fleet, LONGEST_BACKOFF, Place};
use tests::faults::poison::{cure, dead_letters, poison, retry};
use tests::faults::trial::Trial;
use tokio::task::block_in_place;

/// The one process.
const CLEAVE: &str = "cleave";
/// Events a second.
const LOAD: f64 = 60.0;
const RECOVERY: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(60);
/// Of every sixteen tasks the listener fails on one, as long as its database is poisoned.
const POISONED: &str = "7";

/// On the way of every event, and at which passage.
const ON_THE_WAY: [(Point, u64); 5] = [
    (Point::BeforeCommit, 60),
    (Point::BeforeAnswer, 12),
    (Point::BeforeConfirm, 9),
    (Point::BeforeMark, 7),
    (Point::BeforeAck, 15),
];
/// On the way of those whose listener fails.
const ON_FAILURE: [Point; 2] = [Point::BeforeNote, Point::MidPark];
/// Where an operator has brought one on.
const ON_RETRY: [Point; 2] = [Point::MidRetry, Point::MidReplay];

/// Starts the process so that it ends there.
fn start_armed(fleet: &mut Fleet, point: Point, nth: u64) {
    fleet.arm(CLEAVE, Some(&format!("{}=abort@{nth}", point.name())));
    fleet.spawn(CLEAVE);
    fleet.arm(CLEAVE, None);
}

async fn ends_at(fleet: &mut Fleet, point: Point) {
    let said = fleet.ended(CLEAVE).await;
    assert!(said.contains(&format!("failpoint {}, passage", point.name())), "it ended elsewhere: {said}");
}

async fn every_point(topology: Topology, place: Place, bus: Option<&str>) {
    let since = Instant::now();
    let mut fleet = Fleet::prepare(topology, place, bus);
    fleet.set(CLEAVE, ATTEMPTS, Some("2"));
    fleet.set(CLEAVE, LONGEST_BACKOFF, Some("1"));
    start_armed(&mut fleet, Point::MidMigration, 2);
    ends_at(&mut fleet, Point::MidMigration).await;
    fleet.spawn(CLEAVE);
    fleet.ready().await;

    let mut trial = Trial::begin(fleet, 1, LOAD).await;
    let stores = trial.fleet.stores();
    for (point, nth) in ON_THE_WAY {
        block_in_place(|| trial.fleet.kill(CLEAVE));
        start_armed(&mut trial.fleet, point, nth);
        ends_at(&mut trial.fleet, point).await;
        let recovery = trial.restart(&[CLEAVE]).await;
        println!(
            "{}: {} effects were missing, all there after {:.1?}",
            point.name(),
            recovery.missing,
            recovery.effects
        );
    }
    poison(&stores, POISONED).await;
    for point in ON_FAILURE {
        block_in_place(|| trial.fleet.kill(CLEAVE));
        start_armed(&mut trial.fleet, point, 1);
        ends_at(&mut trial.fleet, point).await;
        trial.fleet.spawn(CLEAVE);
        trial.fleet.ready().await;
    }
    let dead = eventually("a dead letter", PATIENCE, async || dead_letters(&stores).await.first().copied()).await;
    cure(&stores).await;
    let (client, _) = trial.client();
    for point in ON_RETRY {
        block_in_place(|| trial.fleet.kill(CLEAVE));
        start_armed(&mut trial.fleet, point, 1);
        trial.fleet.ready().await;
        // What is not committed is not answered; the effect of what is may come before its answer.
        let answer = retry(&client, dead).await;
        assert!(answer.is_err() || point == Point::MidReplay, "{answer:?}");
        ends_at(&mut trial.fleet, point).await;
        trial.fleet.spawn(CLEAVE);
        trial.fleet.ready().await;
    }
    for event in dead_letters(&stores).await {
        assert_eq!(retry(&client, event).await, Ok(202), "{event}");
    }
    trial.recover().await;
    let report = trial.finish().await;
    println!("every failpoint in {:.1?}: {report}", since.elapsed());
    report.assert_clean(RECOVERY);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_on_files_may_end_at_every_point() {
    let _alone = ALONE.lock().await;
    every_point(Topology::EMBEDDED, Place::Files, None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_on_postgres_may_end_at_every_point() {
    let _alone = ALONE.lock().await;
    if !Topology::MONOLITH_PG.can_run() {
        return;
    }
    let Some(scratch) = Scratch::new().await else { return };
    every_point(Topology::MONOLITH_PG, Place::Database(scratch.url()), None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_at_a_broker_may_end_at_every_point() {
    let _alone = ALONE.lock().await;
    let Some(host) = block_in_place(VirtualHost::new) else { return };
    every_point(Topology::EMBEDDED_RABBIT, Place::Files, Some(&host.url())).await;
}
