//! The database stops as in a crash, under load. Rule: what was acknowledged is there, whatever was not acknowledged is there as a
//! whole or not at all, and everybody goes on by themselves.

use crate::ALONE;
use futures_util::future::join_all;
use std::time::{Duration, Instant};
use testkit::{Topology, VirtualHost};
use tests::faults::fleet::{DOMAINS, Fleet, Place, TWO_REPLICAS};
use tests::faults::held::{number, setting};
use tests::faults::postgres::PrivatePostgres;
use tests::faults::trial::{Trial, last};
use tokio::task::block_in_place;

const RECOVERY: Duration = Duration::from_secs(30);
/// Several processes with a pool for each domain, and the harness's own looks.
const CONNECTIONS: &str = "max_connections=300";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_stops_loses_nothing_that_was_acknowledged() {
    let _alone = ALONE.lock().await;
    let Some(mut server) = PrivatePostgres::start(&[CONNECTIONS]).await else { return };
    let long = setting("CLEAVE_TEST_POSTGRES_RESTARTS").is_some();
    let restarts = number("CLEAVE_TEST_POSTGRES_RESTARTS", 2);
    let away = Duration::from_secs(number("CLEAVE_TEST_POSTGRES_STOP_SECONDS", 2));
    let (events, seed) = (if long { 50.0 } else { 30.0 }, number("CLEAVE_TEST_SEED", 1));
    let mut trials = Vec::new();
    let replicas = Fleet::start(TWO_REPLICAS, Place::Database(server.database("replicas").await), None).await;
    trials.push(Trial::begin(replicas, seed, events).await);
    // Its broker stays: the fault is the database's.
    let host = block_in_place(VirtualHost::new);
    if let Some(host) = &host {
        let mut urls = Vec::new();
        for domain in DOMAINS {
            urls.push((domain, server.database(&format!("split_{domain}")).await));
        }
        let split =
            Fleet::start(Topology::SPLIT, Place::Databases(urls.into_iter().collect()), Some(&host.url())).await;
        trials.push(Trial::begin(split, seed + 1, events).await);
    }
    for n in 0..restarts {
        let since = Instant::now();
        block_in_place(|| if n % 2 == 0 { server.stop_immediate() } else { server.kill() });
        last(away).await;
        server.run().await;
        let gone = since.elapsed();
        join_all(trials.iter_mut().map(Trial::recover)).await;
        println!("stop {n}: away {gone:.1?}, recovered {:.1?} after it went", since.elapsed());
        join_all(trials.iter().map(|trial| trial.more(50))).await;
    }
    for trial in trials {
        let report = trial.finish().await;
        println!("{report}");
        report.assert_clean(RECOVERY);
    }
}
