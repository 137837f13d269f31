//! G1, G2 and G3: how many requests, and how fast, beside a server written by hand. Rule: the four sides take turns within each
//! round, so that what disturbs the machine disturbs all of them.

use super::figures::Figures;
use super::goal::Goal;
use super::progress::Progress;
use super::side::{Pair, Side};
use super::table::Table;
use super::workload::Workload;
use std::collections::BTreeMap;
use std::time::Duration;

/// What is asked at how many connections, and of whom.
const ASKED: [(Workload, usize, &[Side]); 5] = [
    (Workload::One, 32, &Side::ALL),
    (Workload::List, 32, &Side::ALL),
    (Workload::Create, 32, &Side::ALL),
    (Workload::CreateOnce, 32, &Side::ALL),
    (Workload::Create, 128, &Side::ALL),
];
/// Of G1, and of G2 at 32 connections.
const MUST: [(Workload, f64, f64, f64); 3] =
    [(Workload::One, 0.55, 0.75, 0.55), (Workload::List, 0.5, 0.65, 0.33), (Workload::Create, 0.7, 0.9, 0.8)];
/// Of G2, of what is possible on SQLite.
const WANTED_OF_L: f64 = 0.7;

/// What was measured.
#[derive(Debug, Default)]
pub struct Measured(BTreeMap<(Workload, usize, Side), Vec<Figures>>);

impl Measured {
    /// The medians.
    #[must_use]
    pub fn of(&self, workload: Workload, connections: usize, side: Side) -> Figures {
        self.0.get(&(workload, connections, side)).map(|rounds| Figures::median(rounds)).unwrap_or_default()
    }

    /// How the first compares with the second.
    fn ratio(&self, workload: Workload, connections: usize, side: Side, beside: Side) -> f64 {
        self.of(workload, connections, side).rate / self.of(workload, connections, beside).rate
    }

    /// The highest rate of creates.
    #[must_use]
    pub fn highest(&self, side: Side) -> f64 {
        [32, 128].iter().map(|connections| self.of(Workload::Create, *connections, side).rate).fold(0.0, f64::max)
    }
}

/// How many measurements there will be.
#[must_use]
pub fn steps(rounds: usize) -> usize {
    rounds * ASKED.iter().map(|(_, _, sides)| sides.len()).sum::<usize>()
}

/// Measures.
///
/// # Panics
/// When something is refused.
pub async fn run(
    postgres: &mut Pair,
    sqlite: &mut Pair,
    rounds: usize,
    span: Duration,
    progress: &mut Progress,
) -> Measured {
    let mut measured = Measured::default();
    for round in 1..=rounds {
        for (workload, connections, sides) in ASKED {
            for side in sides {
                let figures = match side {
                    Side::A => postgres.measure_hand(workload, connections, span).await,
                    Side::CleavePostgres => postgres.staged.measure(workload, connections, span).await,
                    Side::L => sqlite.measure_hand(workload, connections, span).await,
                    Side::CleaveSqlite => sqlite.staged.measure(workload, connections, span).await,
                };
                progress.step(&format!("round {round}: {workload} at {connections}, {side}: {figures}"));
                measured.0.entry((workload, connections, *side)).or_default().push(figures);
            }
        }
    }
    measured
}

/// What the measurements come to.
pub fn judge(measured: &Measured, table: &mut Table) {
    for (workload, connections, sides) in ASKED {
        for side in sides {
            table.figures(format!("{workload} at {connections}"), *side, measured.of(workload, connections, *side));
        }
    }
    use Side::{A, CleavePostgres, CleaveSqlite, L};
    for (workload, must, wanted, _) in MUST {
        let ratio = measured.ratio(workload, 32, CleavePostgres, A);
        table.add(Goal::at_least("G1", format!("PostgreSQL, {workload} / A"), ratio, must).wanted(wanted));
    }
    let once = Workload::CreateOnce;
    table.add(Goal::told("G1", format!("PostgreSQL, {once} / A"), measured.ratio(once, 32, CleavePostgres, A)));
    for (workload, _, _, must) in MUST {
        let ratio = measured.ratio(workload, 32, CleaveSqlite, A);
        table.add(Goal::at_least("G2", format!("SQLite, {workload} / A"), ratio, must));
        let ratio = measured.ratio(workload, 32, CleaveSqlite, L);
        let told = Goal::told("G2", format!("SQLite, {workload} / L"), ratio);
        table.add(if workload.writes() { told } else { told.wanted(WANTED_OF_L) });
    }
    table.add(Goal::told("G2", format!("SQLite, {once} / L"), measured.ratio(once, 32, CleaveSqlite, L)));
    let ratio = measured.ratio(Workload::Create, 128, CleaveSqlite, A);
    table.add(Goal::at_least("G2", "SQLite, create at 128 / A", ratio, 1.5));
    for side in [CleavePostgres, CleaveSqlite] {
        for (workload, most) in [(Workload::One, 4.0), (Workload::List, 4.0), (Workload::Create, 5.0)] {
            let Figures { p50, p99, .. } = measured.of(workload, 32, side);
            let ratio = p99.as_secs_f64() / p50.as_secs_f64();
            table.add(Goal::at_most("G3", format!("{side}, {workload}: p99 / p50"), ratio, most));
        }
    }
}
