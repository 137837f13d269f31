//! G7: what a page costs when there are a hundred times as many rows. Rule: the page shows the same number of rows of an owner with
//! the same number of tasks; only the rest of the table differs.

use super::figures::Figures;
use super::goal::Goal;
use super::progress::Progress;
use super::side::{Size, Staged};
use super::table::Table;
use super::workload::Workload;
use std::collections::BTreeMap;
use std::time::Duration;

/// Few enough that nobody waits for another.
const CONNECTIONS: usize = 2;
/// The caller's own newest, and twenty from the middle of all.
const ASKED: [Workload; 2] = [Workload::List, Workload::Middle];
/// What a page may cost of what it costs in the small table.
const MOST: f64 = 1.3;

/// A table of so many rows, of owners with a hundred each.
#[must_use]
pub const fn size(tasks: u64) -> Size {
    let owners = (tasks / 100) as usize;
    Size { users: 8, owners, tasks }
}

/// How many steps it has.
#[must_use]
pub const fn steps(rounds: usize) -> usize {
    rounds * ASKED.len()
}

/// Measures the two in turn, and judges.
///
/// # Panics
/// When something is refused.
pub async fn run(
    name: &str,
    small: &mut Staged,
    large: &mut Staged,
    rounds: usize,
    span: Duration,
    progress: &mut Progress,
    table: &mut Table,
) {
    let mut measured: BTreeMap<Workload, (Vec<Figures>, Vec<Figures>)> = BTreeMap::new();
    for _ in 0..rounds {
        for workload in ASKED {
            let few = small.measure(workload, CONNECTIONS, span).await;
            let many = large.measure(workload, CONNECTIONS, span).await;
            let (fews, manys) = measured.entry(workload).or_default();
            fews.push(few);
            manys.push(many);
            progress.step(&format!("{name}, {workload}: {few}; of {}: {many}", large.seed.tasks));
        }
    }
    for (workload, (few, many)) in measured {
        let ratio = Figures::median(&few).rate / Figures::median(&many).rate;
        let what = format!("{name}, {workload}: {} / {} rows", large.seed.tasks, small.seed.tasks);
        table.add(Goal::at_most("G7", what, ratio, MOST));
    }
}
