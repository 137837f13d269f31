//! Everything is sent again when no inbox remembers it. Rule: the watermark does, for ever: what is older than the inbox's
//! retention is a duplicate like any other, and nothing happens twice.

use crate::ALONE;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::time::Duration;
use testkit::{Topology, eventually};
use tests::faults::facts::{Facts, Head};
use tests::faults::fleet::{DOMAINS, Fleet, Place};
use tests::faults::trial::Trial;
use tokio::task::block_in_place;

const PATIENCE: Duration = Duration::from_secs(30);

/// Watermarks in an order that says nothing.
fn heads(facts: &Facts) -> BTreeMap<String, Vec<String>> {
    let sorted = |heads: &Vec<Head>| {
        let mut heads: Vec<String> = heads.iter().map(|head| format!("{head:?}")).collect();
        heads.sort_unstable();
        heads
    };
    facts.heads.iter().map(|(consumer, heads)| (consumer.clone(), sorted(heads))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_older_than_every_inbox_row_is_still_a_duplicate() {
    let _alone = ALONE.lock().await;
    let fleet = Fleet::start(Topology::EMBEDDED, Place::Files, None).await;
    let trial = Trial::begin(fleet, 1, 100.0).await;
    trial.more(150).await;
    let (report, mut fleet) = trial.finish_and_keep().await;
    report.assert_clean(Duration::from_secs(1));
    let stores = fleet.stores();
    let before = Facts::read(&stores).await;
    block_in_place(|| fleet.kill("cleave"));
    for domain in DOMAINS {
        let file = Connection::open(fleet.directory().join("cleave").join(format!("{domain}.db"))).unwrap();
        file.execute_batch("DELETE FROM inbox WHERE status = 1; UPDATE outbox SET published_at = NULL").unwrap();
    }
    fleet.spawn("cleave");
    fleet.ready().await;
    let after = eventually("everything sent again", PATIENCE, async || {
        let facts = Facts::read(&stores).await;
        facts.outboxes.values().flatten().all(|event| event.published).then_some(facts)
    })
    .await;
    assert!(before.told.len() > 20 && before.told == after.told, "nobody is told again");
    assert_eq!(before.deliveries, after.deliveries);
    assert_eq!(heads(&before), heads(&after));
    assert_eq!(before.projected, after.projected);
    assert!(after.inboxes.values().all(Vec::is_empty), "what is known is not kept again: {:?}", after.inboxes);
    let emitted = |facts: &Facts| facts.outboxes.values().map(Vec::len).sum::<usize>();
    assert_eq!(emitted(&before), emitted(&after), "no effect emitted again");
}
