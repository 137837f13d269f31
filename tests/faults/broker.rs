//! The broker restarts, and stays away. Rule: nothing is lost, no effect is there twice, the order of each aggregate is kept, it
//! recovers by itself, and nobody is restarted; and while the broker is away, commands are accepted.

use crate::ALONE;
use crate::place::{asked, place};
use futures_util::future::join_all;
use std::time::{Duration, Instant};
use testkit::Topology;
use tests::faults::broker::PrivateBroker;
use tests::faults::fleet::Fleet;
use tests::faults::held::{number, setting};
use tests::faults::trial::{Trial, last};
use tokio::task::block_in_place;

const TOPOLOGIES: [Topology; 3] = [Topology::MONOLITH_RABBIT, Topology::SPLIT, Topology::EMBEDDED_RABBIT];
/// How soon after the broker's return everything must have had its effect.
const RECOVERY: Duration = Duration::from_secs(30);

/// How much of it is done: more of it, and one topology after the other, where the variables ask for it.
struct Extent {
    restarts: u64,
    away: Duration,
    /// Of each topology, a second.
    events: f64,
    seed: u64,
}

async fn run(broker: &mut PrivateBroker, topologies: &[Topology], extent: &Extent) {
    let (mut trials, mut scratches) = (Vec::new(), Vec::new());
    for (n, topology) in topologies.iter().enumerate() {
        let (place, own) = place(topology).await;
        scratches.extend(own);
        let bus = block_in_place(|| broker.virtual_host(topology.name));
        let fleet = Fleet::start(*topology, place, Some(&bus)).await;
        trials.push(Trial::begin(fleet, extent.seed + n as u64, extent.events).await);
    }
    for n in 0..extent.restarts {
        let since = Instant::now();
        block_in_place(|| match n % 3 {
            0 => {
                broker.stop();
                broker.run();
            }
            1 => {
                broker.kill();
                broker.run();
            }
            _ => {
                broker.stop_app();
                broker.start_app();
            }
        });
        let away = since.elapsed();
        join_all(trials.iter_mut().map(Trial::recover)).await;
        println!("restart {n}: away {away:.1?}, recovered {:.1?} after it went", since.elapsed());
        join_all(trials.iter().map(|trial| trial.more(50))).await;
    }
    block_in_place(|| broker.stop());
    let before: Vec<u64> = trials.iter().map(Trial::acknowledged).collect();
    last(extent.away).await;
    for (trial, before) in trials.iter().zip(before) {
        assert!(trial.acknowledged() > before + 10, "{} accepts commands meanwhile", trial.fleet.topology.name);
    }
    block_in_place(|| broker.run());
    join_all(trials.iter_mut().map(Trial::recover)).await;
    for trial in trials {
        let report = trial.finish().await;
        println!("{report}");
        report.assert_clean(RECOVERY);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_restarts_and_stays_away_costs_nothing_but_time() {
    let _alone = ALONE.lock().await;
    if !Topology::MONOLITH_PG.can_run() {
        return;
    }
    let topologies = asked(&TOPOLOGIES);
    let Some(mut broker) = block_in_place(PrivateBroker::start) else { return };
    let long = setting("CLEAVE_TEST_BROKER_RESTARTS").is_some();
    let extent = Extent {
        restarts: number("CLEAVE_TEST_BROKER_RESTARTS", 3),
        away: Duration::from_secs(number("CLEAVE_TEST_BROKER_STOP_SECONDS", 10)),
        events: if long { 100.0 } else { 30.0 },
        seed: number("CLEAVE_TEST_SEED", 1),
    };
    // The short form lets all of them suffer the same fault at once; the long one gives each the whole machine.
    for some in topologies.chunks(if long { 1 } else { topologies.len().max(1) }) {
        run(&mut broker, some, &extent).await;
    }
}
