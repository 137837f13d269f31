//! Who relays: one process at a time, by the database's clock.

use crate::pair::Pair;
use crate::place::{Kind, Place};
use crate::somebody;
use std::time::{Duration, Instant};

async fn epoch(pair: &Pair) -> i64 {
    pair.place.column("user", "SELECT epoch::bigint FROM relay_lease").await.first().copied().unwrap_or_default()
}

/// A pair and its twin on one server, where a claim holds for that long.
async fn both(holds: Duration) -> Option<(Pair, Pair)> {
    let mut pair = Pair::new(Kind::Postgres).await?;
    pair.tuning.lease = (holds, Duration::from_millis(50));
    let twin = pair.twin().await;
    Some((pair, twin))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_starts_takes_the_lease_at_once_and_who_stops_hands_it_on_at_once() {
    // Nobody would live to see it run out.
    let Some((mut pair, mut twin)) = both(Duration::from_secs(600)).await else { return };
    pair.start_consumer().await;
    twin.start_consumer().await;
    pair.start_publisher().await;
    pair.eventually("nobody leads", async || epoch(&pair).await == 1).await;
    twin.start_publisher().await;
    twin.eventually("the one that starts does not lead", async || epoch(&twin).await == 2).await;
    twin.stop().await;
    pair.eventually("the one that stays does not lead", async || epoch(&pair).await == 3).await;
    pair.emit(somebody(1), 3).await;
    pair.heard(somebody(1), 3).await;
    pair.stop().await;
}

/// The clocks of the processes stand still: the database's alone decides.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lease_of_a_process_that_died_runs_out() {
    let Some((mut pair, _twin)) = both(Duration::from_secs(600)).await else { return };
    pair.start_consumer().await;
    pair.start_publisher().await;
    pair.eventually("nobody leads", async || epoch(&pair).await == 1).await;
    let Place::Postgres(scratch) = &*pair.place else { unreachable!("a test of PostgreSQL") };
    // Another process takes it, as one does that starts, and is heard of no more.
    let died = Instant::now();
    let taken = "UPDATE \"user\".relay_lease SET owner = 'another', epoch = 2,
        expires_at = clock_timestamp() + interval '700 milliseconds'";
    scratch.execute(taken).await;
    pair.eventually("nobody takes it over", async || epoch(&pair).await == 3).await;
    assert!(died.elapsed() >= Duration::from_millis(700), "{:?}", died.elapsed());
    pair.emit(somebody(1), 3).await;
    pair.heard(somebody(1), 3).await;
    pair.stop().await;
}
