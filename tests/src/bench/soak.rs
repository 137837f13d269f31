//! G7: whether anything grows while it is asked for long, as much as 70 % of what it bears. Rule: slices of equal length; the medians
//! of the last third are compared with those of the first, the first slice left out.

use super::cleave::number;
use super::driver::Load;
use super::figures::{Figures, median};
use super::goal::Goal;
use super::progress::Progress;
use super::side::Staged;
use super::table::Table;
use super::workload::Workload;
use crate::faults::fleet::DOMAINS;
use std::time::Duration;

/// How long a slice is.
const SLICE: Duration = Duration::from_secs(10);
/// Of the highest rate of creates.
const SHARE: f64 = 0.7;
/// More than can be under way at that rate, so that a slow moment is made up for.
const CONNECTIONS: usize = 64;
/// Between two looks at what waits.
const LOOK: Duration = Duration::from_millis(500);
/// What the last third may be of the first: bytes, and time.
const MOST: (f64, f64) = (1.2, 1.5);
/// Seconds of the load that may wait to be published.
const BACKLOG: f64 = 1.0;
const MIB: f64 = 1024.0 * 1024.0;

/// What was seen of one slice.
struct Slice {
    figures: Figures,
    /// Bytes of its own memory, and of the write-ahead logs.
    memory: f64,
    logs: f64,
    /// The most events that waited.
    waiting: u64,
}

/// How many slices so many minutes have.
#[must_use]
pub const fn steps(minutes: u64) -> usize {
    (minutes * 60 / SLICE.as_secs()) as usize
}

/// Soaks it, and judges. It does not run before or after.
///
/// # Panics
/// When something is not answered.
pub async fn run(
    name: &str,
    staged: &mut Staged,
    minutes: u64,
    span: Duration,
    progress: &mut Progress,
    table: &mut Table,
) {
    staged.start().await;
    let rate = SHARE * staged.highest_creates(span).await;
    let mut slices = Vec::new();
    for _ in 0..steps(minutes) {
        let slice = slice(staged, rate).await;
        let Slice { figures, memory, logs, waiting } = &slice;
        let (memory, logs) = (memory / MIB, logs / MIB);
        progress.step(&format!(
            "{name}, soaked: {figures}, {memory:.1} MiB of memory, {logs:.1} MiB of logs, {waiting} events waited"
        ));
        slices.push(slice);
    }
    staged.cleave.stop();
    judge(name, &slices, rate, table);
}

async fn slice(staged: &mut Staged, rate: f64) -> Slice {
    // Between two slices, because an access token lives for ten minutes.
    staged.crowd.sign_in().await;
    let (address, requests) = (staged.cleave.address(), Workload::Create.requests(&staged.crowd, &staged.seed));
    let warm = Duration::from_millis(500);
    let load = Load { address, connections: CONNECTIONS, requests, warm, span: SLICE, rate: Some(rate) };
    let store = staged.cleave.store("task");
    let mut waiting = 0;
    let figures = {
        let mut driven = std::pin::pin!(staged.drive(load, Workload::Create));
        loop {
            tokio::select! {
                figures = &mut driven => break figures,
                () = tokio::time::sleep(LOOK) => {
                    let now = number(&store, "SELECT count(*) FROM outbox WHERE published_at IS NULL").await;
                    waiting = waiting.max(now);
                }
            }
        }
    };
    let (_, own) = staged.cleave.memory();
    let log = |domain| std::fs::metadata(format!("{}-wal", staged.cleave.file(domain).display()));
    let logs: u64 = DOMAINS.into_iter().filter_map(|domain| log(domain).ok()).map(|log| log.len()).sum();
    staged.cleave.forget_log();
    Slice { figures, memory: own as f64, logs: logs as f64, waiting }
}

fn judge(name: &str, slices: &[Slice], rate: f64, table: &mut Table) {
    let slices = slices.get(1..).unwrap_or_default();
    let third = slices.len() / 3;
    let (first, last) = (&slices[..third], &slices[slices.len() - third..]);
    let of = |part: &[Slice], figure: fn(&Slice) -> f64| median(part.iter().map(figure).collect());
    let millis = |of: Duration| of.as_secs_f64() * 1_000.0;
    let mut compared = |what: &str, unit: &str, figure: fn(&Slice) -> f64, scale: f64, most: f64| {
        let (before, after) = (of(first, figure) * scale, of(last, figure) * scale);
        if before > 0.0 {
            let goal = Goal::at_most("G7", format!("{name}, soaked: {what}, last / first third"), after / before, most);
            table.add(goal.from(format!("{after:.1} {unit}, first {before:.1} {unit}")));
        }
    };
    compared("memory", "MiB", |slice| slice.memory, 1.0 / MIB, MOST.0);
    compared("write-ahead logs", "MiB", |slice| slice.logs, 1.0 / MIB, MOST.0);
    compared("p50", "ms", |slice| slice.figures.p50.as_secs_f64(), 1_000.0, MOST.1);
    compared("p99", "ms", |slice| slice.figures.p99.as_secs_f64(), 1_000.0, MOST.1);
    let waited = slices.iter().map(|slice| slice.waiting).max().unwrap_or_default() as f64 / rate;
    let seen = of(slices, |slice| slice.figures.rate);
    let slowest = slices.iter().map(|slice| millis(slice.figures.p99)).fold(0.0, f64::max);
    let from = format!("{seen:.0}/s of {rate:.0}/s asked for, {} slices, worst p99 {slowest:.1} ms", slices.len());
    table.add(Goal::at_most("G7", format!("{name}, soaked: outbox, at most"), waited, BACKLOG).unit(" s").from(from));
}
