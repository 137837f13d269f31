//! The network between a system and its servers fails. Rule: answers that are lost are unknown outcomes and nothing worse;
//! what does not move is noticed; and everybody goes on by themselves when it works again.

use crate::ALONE;
use db::testing::Scratch;
use std::net::SocketAddr;
use std::time::Duration;
use testkit::{Topology, VirtualHost};
use tests::faults::fleet::{Fleet, Place};
use tests::faults::held::number;
use tests::faults::trial::{Trial, last};
use tests::faults::wire::{Network, Weather, authority};
use tokio::task::block_in_place;

const RECOVERY: Duration = Duration::from_secs(30);
/// Events a second.
const EVENTS: f64 = 30.0;

/// What happens to each network, and for how long.
const WEATHERS: [(Weather, Duration); 5] = [
    (Weather::AnswersLost, Duration::from_secs(2)),
    (Weather::Still, Duration::from_secs(3)),
    (Weather::Slow(20_000), Duration::from_secs(3)),
    (Weather::Slices, Duration::from_secs(2)),
    (Weather::CutAfter(4_000), Duration::from_secs(3)),
];

async fn network_before(url: &str) -> (Network, String) {
    let server: SocketAddr = tokio::net::lookup_host(authority(url)).await.unwrap().next().unwrap();
    let network = Network::before(server).await;
    let through = network.through(url);
    (network, through)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_fails_costs_nothing_but_time() {
    let _alone = ALONE.lock().await;
    if !Topology::MONOLITH_RABBIT.can_run() {
        return;
    }
    let (scratch, host) = (Scratch::new().await.unwrap(), block_in_place(VirtualHost::new).unwrap());
    let (database, database_url) = network_before(&scratch.url()).await;
    let (broker, bus) = network_before(&host.url()).await;
    let mut fleet = Fleet::prepare(Topology::MONOLITH_RABBIT, Place::Database(scratch.url()), Some(&bus));
    // The harness looks past the network.
    fleet.set("cleave", "CLEAVE_DATABASE_URL", Some(&database_url));
    fleet.spawn("cleave");
    fleet.ready().await;
    let mut trial = Trial::begin(fleet, number("CLEAVE_TEST_SEED", 1), EVENTS).await;
    for (name, network) in [("database", &database), ("broker", &broker)] {
        for (weather, lasts) in WEATHERS {
            network.set(weather);
            last(lasts).await;
            network.set(Weather::Fine);
            let recovery = trial.recover().await;
            println!("{name} {weather:?}: recovered after {:.1?}", recovery.all);
            trial.more(20).await;
        }
        network.reset();
        println!("{name} reset: recovered after {:.1?}", trial.recover().await.all);
    }
    let report = trial.finish().await;
    println!("{report}");
    report.assert_clean(RECOVERY);
}
