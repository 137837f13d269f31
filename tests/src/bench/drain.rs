//! G5: how fast relay and inbox work off what waits, alone and while creates go on. Rule: they are measured by what the databases say
//! of each event, from the first that arrives to the last that waited at the start.

use super::backlog::fill;
use super::driver::Load;
use super::figures::median;
use super::goal::Goal;
use super::progress::Progress;
use super::side::Staged;
use super::table::Table;
use super::workload::Workload;
use std::time::{Duration, Instant};

/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(300);
/// At how many connections creates are the fastest.
const CONNECTIONS: [usize; 2] = [32, 128];
/// Of the highest rate of creates.
const MUST: f64 = 1.3;
/// Of what a client that does nothing else gets rid of.
pub const MUST_AT_BROKER: f64 = 0.55;
/// How long creates may go on at most.
const LONG: Duration = Duration::from_secs(60);

/// How many steps it has.
pub const STEPS: usize = 3;

/// Events a second, and how many they were.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drained {
    /// Events a second.
    pub rate: f64,
    /// How many.
    pub events: u64,
}

/// Measures against the rate of creates, and judges. It does not run before or after.
///
/// # Panics
/// When something is refused, or takes too long.
pub async fn run(
    name: &str,
    staged: &mut Staged,
    count: u64,
    span: Duration,
    progress: &mut Progress,
    table: &mut Table,
) {
    staged.start().await;
    let mut creates = Vec::new();
    for connections in CONNECTIONS {
        creates.push(staged.measure(Workload::Create, connections, span).await.rate);
    }
    staged.cleave.stop();
    let highest = creates.into_iter().fold(0.0, f64::max);
    progress.step(&format!("{name}: creates {highest:.0}/s"));
    let alone = drained(staged, 0, count, false).await;
    progress.step(&format!("{name}: {count} waiting events alone, {:.0}/s", alone.rate));
    let beside = drained(staged, count, count, true).await;
    progress.step(&format!("{name}: {count} waiting events beside creates, {:.0}/s", beside.rate));
    for (how, Drained { rate, .. }) in [("alone", alone), ("beside creates", beside)] {
        let from = format!("{rate:.0}/s, creates {highest:.0}/s");
        table.add(Goal::at_least("G5", format!("{name}: drain {how} / creates"), rate / highest, MUST).from(from));
    }
}

/// Measures against the broker's own rate, and judges. It does not run before or after.
///
/// # Panics
/// When something is refused, or takes too long.
pub async fn at_broker(staged: &mut Staged, count: u64, bare: &[f64], progress: &mut Progress, table: &mut Table) {
    let Drained { rate, .. } = drained(staged, 0, count, false).await;
    let bare = median(bare.to_vec());
    progress.step(&format!("over RabbitMQ: {count} waiting events, {rate:.0}/s, a bare client {bare:.0}/s"));
    let from = format!("{rate:.0}/s, bare {bare:.0}/s");
    table.add(Goal::at_least("G5", "over RabbitMQ: drain / bare publish", rate / bare, MUST_AT_BROKER).from(from));
}

/// Works off the events of the tasks from `from` on, `count` of them. Nobody signs in: that is work, too.
async fn drained(staged: &mut Staged, from: u64, count: u64, beside_creates: bool) -> Drained {
    fill(&staged.cleave.store("task"), &staged.seed, from..from + count).await;
    let (first, last) = (staged.seed.row(from).id, staged.seed.row(from + count - 1).id);
    staged.cleave.start();
    if !beside_creates {
        staged.cleave.settled(PATIENCE).await;
        let drained = between(staged, &first.to_string(), &last.to_string()).await;
        staged.cleave.stop();
        return drained;
    }
    let requests = Workload::Create.requests(&staged.crowd, &staged.seed);
    let started = Instant::now();
    let drained = loop {
        let (address, requests) = (staged.cleave.address(), requests.clone());
        let (connections, warm, span) = (CONNECTIONS[0], Duration::ZERO, Duration::from_secs(1));
        let load = Load { address, connections, requests, warm, span, rate: None };
        load.drive().await.unwrap_or_else(|refused| panic!("creates: {refused}"));
        let drained = between(staged, &first.to_string(), &last.to_string()).await;
        if drained.events >= count {
            break drained;
        }
        assert!(started.elapsed() < LONG, "only {} of {count} events were handled beside creates", drained.events);
    };
    staged.cleave.settled(PATIENCE).await;
    staged.cleave.stop();
    drained
}

/// What was handled from the first of the waiting ones to the last, others included; how many of them were waiting.
async fn between(staged: &Staged, first: &str, last: &str) -> Drained {
    let store = staged.cleave.store("notification");
    let (received, done) = (store.micros("received_at"), store.micros("done_at"));
    let of_tasks = "FROM inbox WHERE aggregate_type = 'task' AND status = 1";
    let waited = format!("{of_tasks} AND aggregate_id BETWEEN '{first}' AND '{last}'");
    let bounds = format!("SELECT count(*), coalesce(min({received}), 0), coalesce(max({done}), 0) {waited}");
    let bounds: Vec<u64> = store.read(&bounds).await.concat().iter().map(|value| whole(value.as_deref())).collect();
    let (events, from, until) = (bounds[0], bounds[1], bounds[2]);
    let all = store.read(&format!("SELECT count(*) {of_tasks} AND {done} BETWEEN {from} AND {until}")).await.concat();
    let all = whole(all[0].as_deref());
    Drained { rate: all as f64 * 1e6 / (until - from).max(1) as f64, events }
}

fn whole(text: Option<&str>) -> u64 {
    text.and_then(|text| text.parse().ok()).expect("a number")
}
