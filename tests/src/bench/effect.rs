//! G4: from a commit to its effect in another domain, at a steady 200 events a second. Rule: both instants are what the databases
//! say: when the event happened, and when the listener's transaction was; the first tenth warms up.

use super::driver::Load;
use super::figures::quantile;
use super::goal::Goal;
use super::progress::Progress;
use super::side::Staged;
use super::table::Table;
use super::workload::Workload;
use crate::faults::store::Store;
use std::collections::HashMap;
use std::time::Duration;

/// Each assignment is two events.
const EVENTS: f64 = 200.0;
const CONNECTIONS: usize = 16;
/// How long it may take until everything has happened.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many steps it has.
pub const STEPS: usize = 1;

/// What is asked of it.
#[derive(Debug, Clone, Copy)]
pub struct Must {
    /// Of the write's own time.
    pub ratio: f64,
    /// Milliseconds, of 99 of 100.
    pub p99: Option<f64>,
}

/// Measures, and judges.
///
/// # Panics
/// When something is refused, or an event is not handled.
pub async fn run(
    staged: &mut Staged,
    name: &str,
    must: Must,
    span: Duration,
    progress: &mut Progress,
    table: &mut Table,
) {
    progress.now(&format!("{EVENTS} events a second, {name}"));
    staged.crowd.sign_in().await;
    let load = Load {
        address: staged.cleave.address(),
        connections: CONNECTIONS,
        requests: Workload::Assign.requests(&staged.crowd, &staged.seed),
        warm: span / 9,
        span,
        rate: Some(EVENTS / 2.0),
    };
    let write = staged.drive(load, Workload::Assign).await.p50;
    staged.cleave.settled(PATIENCE).await;
    let mut taken = delays(&staged.cleave.store("task"), &staged.cleave.store("notification")).await;
    taken.drain(..taken.len() / 10);
    let mut taken: Vec<u32> = taken.into_iter().map(|(_, taken)| taken).collect();
    taken.sort_unstable();
    let (p50, p99) = (quantile(&taken, 0.5), quantile(&taken, 0.99));
    let ratio = p50.as_secs_f64() / write.as_secs_f64();
    let millis = |of: Duration| of.as_secs_f64() * 1_000.0;
    let from = format!("p50 {:.2} ms, the write {:.2} ms, {} events", millis(p50), millis(write), taken.len());
    progress.step(&format!("{name}: {from}, p99 {:.2} ms", millis(p99)));
    table.add(Goal::at_most("G4", format!("{name}: effect / write, p50"), ratio, must.ratio).from(from));
    let p99 = millis(p99);
    let what = format!("{name}: commit to effect, p99");
    let goal = must.p99.map_or_else(|| Goal::told("G4", &what, p99), |most| Goal::at_most("G4", &what, p99, most));
    table.add(goal.unit(" ms"));
}

/// Of each event of a task when it happened and after how many microseconds it had its effect, the oldest first.
async fn delays(from: &Store, to: &Store) -> Vec<(i64, u32)> {
    let happened = format!("SELECT {}, {} FROM outbox", from.id("event_id"), from.micros("occurred_at"));
    let done = format!(
        "SELECT {}, {} FROM inbox WHERE aggregate_type = 'task' AND status = 1",
        to.id("event_id"),
        to.micros("done_at")
    );
    let done: HashMap<String, i64> = pairs(to, &done).await.into_iter().collect();
    let delay = |(event, at): (String, i64)| {
        let done = done.get(&event).unwrap_or_else(|| panic!("{event} was not handled"));
        (at, u32::try_from(done - at).unwrap_or_default())
    };
    let mut all: Vec<_> = pairs(from, &happened).await.into_iter().map(delay).collect();
    all.sort_unstable();
    all
}

async fn pairs(store: &Store, sql: &str) -> Vec<(String, i64)> {
    let pair = |row: Vec<Option<String>>| {
        let mut row = row.into_iter().flatten();
        Some((row.next()?, row.next()?.parse().ok()?))
    };
    store.read(sql).await.into_iter().filter_map(pair).collect()
}
