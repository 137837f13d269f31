//! What the turns of a crowd came to. Rule: how long an effect took is what the tables say, and turns are compared by their
//! medians, so that one turn in which the machine was busy elsewhere decides nothing.

use super::{TASKS, number, text};
use crate::faults::checker::Violation;
use crate::faults::poison::CONSUMER;
use crate::faults::watch::Stores;
use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

/// What it came to.
#[derive(Debug)]
pub struct Figures {
    pub(super) name: &'static str,
    /// How long the effects of the others took, turn by turn, in microseconds.
    pub(super) calm: Vec<Took>,
    pub(super) poisoned: Vec<Took>,
    pub(super) refused: u64,
    /// The longest until a failure was seen: after the event.
    pub(super) visible: Duration,
    /// The longest until a dead letter was seen: after its last attempt was due.
    pub(super) dead: Duration,
    /// The longest until a retry had brought on what waited.
    pub(super) drained: (usize, Duration),
    /// What does not hold at the end.
    pub violations: Vec<Violation>,
}

/// How long effects took, in microseconds, in order.
#[derive(Debug, Default)]
pub(super) struct Took(Vec<i64>);

impl Took {
    /// Of what stands there in the outbox, without that task.
    pub(super) async fn of(stores: &Stores, poisoned: &str, (from, to): &(i64, i64)) -> Self {
        let (task, consumer) = (&stores["task"], &stores[CONSUMER]);
        let sql =
            format!("SELECT {}, {} FROM inbox WHERE status = 1", consumer.id("event_id"), consumer.micros("done_at"));
        let done: HashMap<String, i64> =
            consumer.read(&sql).await.iter().map(|row| (text(row, 0), number(row, 1))).collect();
        let sql = format!(
            "SELECT {}, {} FROM outbox WHERE id > {from} AND id <= {to} AND aggregate_id <> '{poisoned}'",
            task.id("event_id"),
            task.micros("occurred_at")
        );
        let rows = task.read(&sql).await;
        Self::sorted(rows.iter().filter_map(|row| Some(done.get(&text(row, 0))? - number(row, 1))).collect())
    }

    fn sorted(mut took: Vec<i64>) -> Self {
        took.sort_unstable();
        Self(took)
    }

    fn all(turns: &[Self]) -> Self {
        Self::sorted(turns.iter().flat_map(|turn| turn.0.iter().copied()).collect())
    }

    fn at(&self, percent: usize) -> Duration {
        let place = (self.0.len() * percent).div_ceil(100).saturating_sub(1);
        Duration::from_micros(u64::try_from(self.0.get(place).copied().unwrap_or_default()).unwrap_or_default())
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: one poisoned task of {TASKS}", self.name)?;
        let mut middle = [0.0; 2];
        for ((kind, turns), middle) in [("calm", &self.calm), ("poisoned", &self.poisoned)].iter().zip(&mut middle) {
            let all = Took::all(turns);
            let mut each: Vec<Duration> = turns.iter().map(|turn| turn.at(99)).collect();
            each.sort_unstable();
            let median = each[each.len() / 2];
            *middle = median.as_secs_f64();
            writeln!(
                f,
                "  {kind}: {} events of the others, effects after p50 {:.1?}, p99 {:.1?}; of {} turns the median p99 \
                 {median:.1?}, from {:.1?} to {:.1?}",
                all.0.len(),
                all.at(50),
                all.at(99),
                each.len(),
                each[0],
                each[each.len() - 1]
            )?;
        }
        writeln!(f, "  median p99 with the poison {:+.1} % of the one without", (middle[1] / middle[0] - 1.0) * 100.0)?;
        let (waiting, drained) = self.drained;
        writeln!(f, "  first failure visible after {:.1?}", self.visible)?;
        writeln!(f, "  dead letter visible {:.1?} after its last attempt was due", self.dead)?;
        writeln!(f, "  one retry brought {waiting} events on in {drained:.1?}, in order; {} refused", self.refused)?;
        self.violations.iter().try_for_each(|violation| writeln!(f, "  {violation}"))
    }
}
