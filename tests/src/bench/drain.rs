//! G5: how fast relay and inbox work off what waits, alone and while creates go on; and of G7 what that costs beside very many
//! that are done. Rule: they are measured by what the databases say
//! of each event, from the first that is handled to the last that waited at the start.

use super::backlog::{age, fill};
use super::driver::Load;
use super::figures::median;
use super::goal::Goal;
use super::progress::Progress;
use super::side::{CONNECTIONS, Staged};
use super::table::Table;
use super::workload::Workload;
use crate::faults::store::Store;
use std::time::{Duration, Instant};

/// Of the highest rate of creates.
const MUST: f64 = 1.3;
/// Of what clients that do nothing else get into the queue and out of it.
pub const MUST_AT_BROKER: f64 = 0.55;
/// How long it is looked at; what is not handled then is left.
const LONG: Duration = Duration::from_secs(30);
/// How long a start may go on.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks at how far it is.
const LOOK: Duration = Duration::from_millis(200);

/// What an event may cost beside those that were done of what it costs without them.
const MOST: f64 = 1.3;

/// How many steps it has.
pub const STEPS: usize = 4;

/// Measures against the rate of creates, and beside so many done events, and judges. It does not run before or after.
///
/// # Panics
/// When something is refused, or takes too long.
pub async fn run(
    name: &str,
    staged: &mut Staged,
    [count, done]: [u64; 2],
    span: Duration,
    progress: &mut Progress,
    table: &mut Table,
) {
    staged.start().await;
    let highest = staged.highest_creates(span).await;
    staged.cleave.stop();
    progress.step(&format!("{name}: creates {highest:.0}/s"));
    let alone = drained(staged, 0, count, false).await;
    progress.step(&format!("{name}: {count} waiting events alone, {alone:.0}/s"));
    let beside = drained(staged, count, count, true).await;
    progress.step(&format!("{name}: {count} waiting events beside creates, {beside:.0}/s"));
    fill(&staged.cleave.store("task"), &staged.seed, 2 * count..2 * count + done).await;
    age(&staged.cleave.store("task"), &staged.cleave.store("notification")).await;
    let aged = drained(staged, 2 * count + done, count, false).await;
    progress.step(&format!("{name}: {count} waiting events beside {done} done ones, {aged:.0}/s"));
    let from = format!("{aged:.0}/s, without them {alone:.0}/s");
    let what = format!("{name}: cost of an event, {done} done ones / without");
    table.add(Goal::at_most("G7", what, alone / aged, MOST).from(from));
    for (how, rate) in [("alone", alone), ("beside creates", beside)] {
        let from = format!("{rate:.0}/s, creates {highest:.0}/s");
        table.add(Goal::at_least("G5", format!("{name}: drain {how} / creates"), rate / highest, MUST).from(from));
    }
}

/// Measures against the broker's own rate, and judges. It does not run before or after.
///
/// # Panics
/// When something is refused, or takes too long.
pub async fn at_broker(staged: &mut Staged, count: u64, bare: &[f64], progress: &mut Progress, table: &mut Table) {
    let rate = drained(staged, 0, count, false).await;
    let bare = median(bare.to_vec());
    progress.step(&format!("over RabbitMQ: {count} waiting events, {rate:.0}/s, bare clients {bare:.0}/s"));
    let from = format!("{rate:.0}/s, bare {bare:.0}/s");
    table.add(Goal::at_least("G5", "over RabbitMQ: drain / bare clients", rate / bare, MUST_AT_BROKER).from(from));
}

/// Works off the events of the tasks from `from` on, `count` of them, or as many as it can in time. They come all at once, to a
/// process that has done with its start. Nobody signs in: that is work, too.
async fn drained(staged: &mut Staged, from: u64, count: u64, beside_creates: bool) -> f64 {
    let store = staged.cleave.store("notification");
    let handled = "FROM inbox WHERE consumer = 'notification' AND source = 'task' AND aggregate_type = 'task' \
                   AND status = 1";
    let done = store.micros("done_at");
    let before = numbers(&store, &format!("SELECT coalesce(max({done}), 0) {handled}")).await[0];
    let (first, last) = (staged.seed.row(from).id, staged.seed.row(from + count - 1).id);
    // The last one alone is looked for until it is there: to count them all again and again would cost what is measured.
    let arrived = format!("SELECT count(*) {handled} AND aggregate_id = '{last}'");
    let waited =
        format!("SELECT count(*), coalesce(max({done}), 0) {handled} AND aggregate_id BETWEEN '{first}' AND '{last}'");
    staged.cleave.start();
    staged.cleave.rests(PATIENCE).await;
    fill(&staged.cleave.store("task"), &staged.seed, from..from + count).await;
    let started = Instant::now();
    let until = loop {
        if beside_creates {
            create(staged).await;
        } else {
            tokio::time::sleep(LOOK).await;
        }
        if numbers(&store, &arrived).await[0] > 0 {
            let found = numbers(&store, &waited).await;
            if found[0] >= count {
                break found[1];
            }
        }
        if started.elapsed() > LONG {
            break numbers(&store, &format!("SELECT coalesce(max({done}), 0) {handled}")).await[0];
        }
    };
    staged.cleave.stop();
    let between = format!("{handled} AND {done} > {before} AND {done} <= {until}");
    let found = numbers(&store, &format!("SELECT count(*), coalesce(min({done}), 0) {between}")).await;
    found[0] as f64 * 1e6 / until.saturating_sub(found[1]).max(1) as f64
}

/// Creates as many as it can for a moment.
async fn create(staged: &mut Staged) {
    let (address, requests) = (staged.cleave.address(), Workload::Create.requests(&staged.crowd, &staged.seed));
    let (connections, warm, span) = (CONNECTIONS[0], Duration::ZERO, Duration::from_secs(1));
    let load = Load { address, connections, requests, warm, span, rate: None };
    staged.drive(load, Workload::Create).await;
}

/// The numbers of the only row that a statement finds.
async fn numbers(store: &Store, sql: &str) -> Vec<u64> {
    let whole = |value: Option<String>| value.and_then(|text| text.parse().ok()).expect("a number");
    store.read(sql).await.concat().into_iter().map(whole).collect()
}
