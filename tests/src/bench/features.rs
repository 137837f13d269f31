//! G8: everything on beside everything off that settings can turn off: the log, with the span of each request, and the limit of
//! requests. Metrics, checks of tokens and revocations, deadlines and security headers cannot be turned off. Rule: the same process
//! on the same rows, started anew each time, in turn.

use super::figures::Figures;
use super::goal::Goal;
use super::progress::Progress;
use super::side::Staged;
use super::table::Table;
use super::workload::Workload;
use std::collections::BTreeMap;
use std::time::Duration;

const CONNECTIONS: usize = 32;
const ASKED: [Workload; 3] = [Workload::One, Workload::List, Workload::Create];
/// The settings that turn something off.
const OFF: [(&str, &str); 2] = [("CLEAVE_LOG", "off"), ("CLEAVE_RATE_LIMIT", "off")];
/// Of what it does without.
const MUST: f64 = 0.8;

/// How many steps it has.
#[must_use]
pub const fn steps(rounds: usize) -> usize {
    rounds * ASKED.len()
}

/// Measures both in turn, and judges; it does not run at the end.
///
/// # Panics
/// When something is refused.
pub async fn run(
    name: &str,
    staged: &mut Staged,
    rounds: usize,
    span: Duration,
    progress: &mut Progress,
    table: &mut Table,
) {
    let mut measured: BTreeMap<Workload, (Vec<Figures>, Vec<Figures>)> = BTreeMap::new();
    for _ in 0..rounds {
        let with = measure(staged, span).await;
        OFF.into_iter().for_each(|(setting, off)| staged.cleave.set(setting, off));
        let without = measure(staged, span).await;
        OFF.into_iter().for_each(|(setting, _)| staged.cleave.reset(setting));
        for ((workload, on), off) in ASKED.into_iter().zip(with).zip(without) {
            let (ons, offs) = measured.entry(workload).or_default();
            ons.push(on);
            offs.push(off);
            progress.step(&format!("{name}, {workload}: {on}; without log and limit: {off}"));
        }
    }
    for (workload, (on, off)) in measured {
        let ratio = Figures::median(&on).rate / Figures::median(&off).rate;
        table.add(Goal::at_least("G8", format!("{name}, {workload}: all on / log and limit off"), ratio, MUST));
    }
}

async fn measure(staged: &mut Staged, span: Duration) -> Vec<Figures> {
    staged.start().await;
    let mut all = Vec::new();
    for workload in ASKED {
        all.push(staged.measure(workload, CONNECTIONS, span).await);
    }
    staged.cleave.stop();
    all
}
