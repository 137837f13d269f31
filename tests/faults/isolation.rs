//! Domains that share a server keep to what is theirs. Rule: the server refuses, because each is somebody else there; and what
//! is asked of it is seen, whoever asks.

use crate::ALONE;
use std::collections::BTreeSet;
use std::time::Duration;
use testkit::{Topology, eventually};
use tests::faults::fleet::{Fleet, Place};
use tests::faults::isolation::{Isolation, LOG_LINES};
use tests::faults::postgres::PrivatePostgres;
use tests::faults::store::connect;
use tests::faults::trial::Trial;

const PATIENCE: Duration = Duration::from_secs(10);

/// What is wrong, in short.
async fn found(isolation: &Isolation, server: &PrivatePostgres) -> BTreeSet<String> {
    let violations = isolation.i15_domains_keep_to_themselves(server).await;
    assert!(violations.iter().all(|violation| violation.invariant == "I15"), "{violations:?}");
    violations.into_iter().map(|violation| violation.what).collect()
}

async fn in_one_database_or_apart(topology: Topology, place: Place, server: &PrivatePostgres) -> (Fleet, Isolation) {
    let isolation = Isolation::of(server, &place).await;
    let mut fleet = Fleet::prepare(topology, place, None);
    fleet.reach_by(&isolation.urls(server));
    fleet.names().into_iter().for_each(|name| fleet.spawn(name));
    fleet.ready().await;
    let trial = Trial::begin(fleet, 1, 60.0).await;
    trial.more(100).await;
    let (report, fleet) = trial.finish_and_keep().await;
    report.assert_clean(Duration::from_secs(1));
    assert_eq!(found(&isolation, server).await, BTreeSet::new(), "{}", fleet.said());
    (fleet, isolation)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_another_domain_is_touched_and_whoever_would_is_found() {
    let _alone = ALONE.lock().await;
    let Some(server) = PrivatePostgres::start(&["max_connections=60", LOG_LINES]).await else { return };
    let place = Place::Database(server.database("all_in_one").await);
    let (_fleet, isolation) = in_one_database_or_apart(Topology::MONOLITH_PG, place, &server).await;

    let curious = connect(&server.url_as("cleave_task", "all_in_one")).await.unwrap();
    curious.batch_execute("SELECT count(*) FROM \"user\".users").await.unwrap_err();
    let seen = eventually("the log tells", PATIENCE, async || found(&isolation, &server).await.pop_first()).await;
    assert!(seen.contains("somebody wanted what is another's") && seen.contains("schema user"), "{seen}");

    let master = connect(&server.url("all_in_one")).await.unwrap();
    let before = found(&isolation, &server).await.len();
    master.batch_execute("GRANT USAGE ON SCHEMA notification TO cleave_task").await.unwrap();
    let open = found(&isolation, &server).await;
    assert!(open.contains("the server would let task into what is notification's"), "{open:?}");
    assert_eq!(open.len(), before + 1, "{open:?}");
    master
        .batch_execute("REVOKE USAGE ON SCHEMA notification FROM cleave_task; SET application_name = 'cleave-task'")
        .await
        .unwrap();
    let disguised = found(&isolation, &server).await;
    assert!(disguised.iter().any(|what| what.starts_with("the sessions of task are those of")), "{disguised:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_domain_is_let_into_the_database_of_another() {
    let _alone = ALONE.lock().await;
    let Some(server) = PrivatePostgres::start(&["max_connections=60", LOG_LINES]).await else { return };
    let mut urls = Vec::new();
    for domain in ["user", "task", "notification"] {
        urls.push((domain, server.database(&format!("of_{domain}")).await));
    }
    let place = Place::Databases(urls.into_iter().collect());
    let (_fleet, isolation) = in_one_database_or_apart(Topology::MONOLITH_PG, place, &server).await;
    connect(&server.url_as("cleave_task", "of_user")).await.err().unwrap();
    let seen = eventually("the log tells", PATIENCE, async || found(&isolation, &server).await.pop_first()).await;
    assert!(seen.contains("somebody wanted what is another's") && seen.contains("of_user"), "{seen}");
}
