//! What the server reads for one event. Rule: a few rows, however many there are, also by plans that were made when the
//! tables were empty and that no statistics have corrected.

use crate::pair::Pair;
use crate::place::{Kind, Place};
use crate::somebody;

/// Entries of one index for each event; a batch of the relay may be read again and again while it is under way.
const A_FEW: i64 = 40;
const USERS: u32 = 20;
const EVENTS: u32 = 800;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_event_costs_a_look_at_all_others() {
    let Some(mut pair) = Pair::started(Kind::Postgres).await else { return };
    if let Place::Postgres(scratch) = &*pair.place {
        scratch.execute("ALTER TABLE task.inbox SET (autovacuum_enabled = false)").await;
    }
    for n in 0..USERS {
        pair.emit(somebody(n.into()), EVENTS / USERS).await;
    }
    for n in 0..USERS {
        pair.heard(somebody(n.into()), i64::from(EVENTS / USERS)).await;
    }
    pair.stop().await;
    // What a connection has read is told at the latest when it ends.
    pair.user.close().await;
    pair.task.close().await;
    let read = "SELECT coalesce(max(idx_tup_read), 0)::bigint FROM pg_stat_user_indexes
        WHERE relname IN ('inbox', 'inbox_head', 'outbox')";
    let read = async || pair.place.column("task", read).await[0];
    pair.eventually("the server tells what it has read", async || read().await > i64::from(EVENTS)).await;
    let read = read().await;
    assert!(read < A_FEW * i64::from(EVENTS), "{read} entries of one index for {EVENTS} events");
}
