//! A queue is deleted under load. Rule: it is an alarm within half a minute, and nobody is refused because of it.

use crate::ALONE;
use std::time::{Duration, Instant};
use testkit::{Topology, VirtualHost, eventually};
use tests::faults::caller::Caller;
use tests::faults::fleet::{Fleet, Place};
use tests::faults::trial::Trial;
use tokio::task::block_in_place;

const ALARM: Duration = Duration::from_secs(30);
const QUEUE: &str = "notification.inbox.v1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_is_deleted_under_load_is_an_alarm_within_half_a_minute() {
    let _alone = ALONE.lock().await;
    let Some(host) = block_in_place(VirtualHost::new) else { return };
    let fleet = Fleet::start(Topology::EMBEDDED_RABBIT, Place::Files, Some(&host.url())).await;
    let caller = Caller::new(&fleet.all_addresses());
    let trial = Trial::begin(fleet, 1, 50.0).await;
    let trouble = async || {
        let (_, health) = caller.look(0, "/health?verbose=true").await.ok()?;
        let trouble = health["checks"]["bus"]["trouble"].as_str()?.to_owned();
        trouble.contains(QUEUE).then(|| (health["status"].clone(), trouble))
    };
    assert_eq!(trouble().await, None);
    let deleted = Instant::now();
    block_in_place(|| host.control(&["delete_queue", "-p", host.name(), QUEUE])).unwrap();
    let (status, text) = eventually("an alarm", ALARM, trouble).await;
    println!("{:.1?} after {QUEUE} was deleted: {status}: {text}", deleted.elapsed());
    assert!(deleted.elapsed() < ALARM);
    assert_eq!(status, "degraded");
    trial.more(50).await;
    trial.fleet.assert_nobody_ended();
}
