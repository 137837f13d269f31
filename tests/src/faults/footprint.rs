//! What a system takes of the machine, before anything went wrong and after all is healed. Rule: it comes back to a fifth more
//! than before; of what is small anyway, to so much more as is written here.

use super::checker::{Harm, Violation};
use super::fleet::Fleet;
use super::limits::Owns;
use super::store::{Row, Store};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// How long it may take to come back: connections that nobody uses are closed after a minute.
const PATIENCE: Duration = Duration::from_secs(90);

/// What is measured, and how much more of it is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Measure {
    /// Bytes of memory that are a process's own. A few arenas more or less are the allocator's business.
    Memory,
    /// Files and connections that it has open.
    Descriptors,
    /// Bytes of the write-ahead log of a file. It is cut back to 64 MiB.
    Log,
    /// Bytes of a file in which nothing is.
    Free,
    /// Bytes that a row of a domain's tables takes, with what is left of its former versions: one for each row, since
    /// the server cleans up when a table has grown by a part.
    Row,
}

impl Measure {
    const fn slack(self) -> u64 {
        match self {
            Self::Memory => 32 << 20,
            Self::Descriptors => 16,
            Self::Log => 64 << 20,
            Self::Free => 4 << 20,
            Self::Row => 1 << 10,
        }
    }

    /// The most that is there when it has come back.
    fn most(self, before: u64) -> u64 {
        (before + before / 5).max(before + self.slack())
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "bytes of memory",
            Self::Descriptors => "descriptors",
            Self::Log => "bytes of its log",
            Self::Free => "bytes of its file that are free",
            Self::Row => "bytes a row",
        })
    }
}

/// All of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Footprint {
    /// By whose it is: a process's, or a domain's.
    taken: BTreeMap<(&'static str, Measure), u64>,
}

impl Footprint {
    /// As it is now.
    ///
    /// # Panics
    /// When a database is away.
    pub async fn of(fleet: &Fleet) -> Self {
        let mut taken = BTreeMap::new();
        for (process, id) in fleet.running() {
            let Some(owns) = Owns::of(id) else { continue };
            taken.insert((process, Measure::Memory), owns.resident);
            taken.insert((process, Measure::Descriptors), owns.descriptors);
        }
        for (domain, store) in fleet.stores() {
            match &store {
                Store::File(file) => {
                    taken.insert((domain, Measure::Log), log_of(file));
                    taken.insert((domain, Measure::Free), free_in(&store).await);
                }
                Store::Schema { schema, .. } => {
                    taken.insert((domain, Measure::Row), a_row(&store, schema).await);
                }
            }
        }
        Self { taken }
    }

    /// What has not come back to what it was.
    fn beyond(&self, before: &Self) -> Vec<String> {
        let mut found = Vec::new();
        for ((whose, measure), is) in &self.taken {
            let was = before.taken.get(&(whose, *measure)).copied().unwrap_or_default();
            if *is > measure.most(was) {
                found.push(format!("{whose} takes {is} {measure} and took {was}"));
            }
        }
        found
    }
}

impl fmt::Display for Footprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = |((whose, measure), is): (&(&str, Measure), &u64)| format!("{whose} {is} {measure}");
        f.write_str(&self.taken.iter().map(one).collect::<Vec<_>>().join(", "))
    }
}

/// I20: what a system takes returns to what it was, while it is at rest; and what it takes then.
///
/// # Panics
/// When a database is away.
pub async fn i20_what_it_takes_returns(before: &Footprint, fleet: &Fleet) -> (Vec<Violation>, Footprint) {
    let started = Instant::now();
    loop {
        let after = Footprint::of(fleet).await;
        let beyond = after.beyond(before);
        if beyond.is_empty() || started.elapsed() > PATIENCE {
            let found = beyond.into_iter().map(|what| Violation::new("I20", Harm::Unsound, what)).collect();
            return (found, after);
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn log_of(file: &Path) -> u64 {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(log).map_or(0, |log| log.len())
}

async fn free_in(store: &Store) -> u64 {
    first(store.read("SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size").await)
}

/// Bytes of all tables of a schema, by all of their rows.
async fn a_row(store: &Store, schema: &str) -> u64 {
    let tables = "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = ";
    let tables = store.read(&format!("{tables}'{schema}'")).await;
    let tables: Vec<String> = tables.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect();
    let rows: Vec<String> = tables.iter().map(|table| format!("(SELECT count(*) FROM {table})")).collect();
    let bytes: Vec<String> = tables.iter().map(|table| format!("pg_table_size('{table}')")).collect();
    first(store.read(&format!("SELECT ({}) / greatest({}, 1)", bytes.join(" + "), rows.join(" + "))).await)
}

fn first(rows: Vec<Row>) -> u64 {
    let value = rows.into_iter().next().and_then(|row| row.into_iter().next().flatten()).unwrap_or_default();
    // A quotient of the server's has digits behind the point.
    value.split('.').next().unwrap_or_default().parse().expect("a number")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taking(measure: Measure, amount: u64) -> Footprint {
        Footprint { taken: BTreeMap::from([(("cleave", measure), amount)]) }
    }

    #[test]
    fn a_fifth_more_or_a_little_more_is_as_before_and_more_is_not() {
        let mib = 1 << 20;
        for (measure, before, same, more) in [
            (Measure::Memory, 1_000 * mib, 1_200 * mib, 1_200 * mib + 1),
            (Measure::Memory, 50 * mib, 82 * mib, 82 * mib + 1),
            (Measure::Descriptors, 40, 56, 57),
            (Measure::Descriptors, 200, 240, 241),
            (Measure::Log, 0, 64 * mib, 64 * mib + 1),
            (Measure::Free, 0, 4 * mib, 4 * mib + 1),
            (Measure::Row, 10_000, 12_000, 12_001),
        ] {
            let before = taking(measure, before);
            assert_eq!(taking(measure, same).beyond(&before), Vec::<String>::new(), "{measure}");
            assert_eq!(taking(measure, more).beyond(&before).len(), 1, "{measure}");
            assert_eq!(taking(measure, 0).beyond(&before), Vec::<String>::new(), "less is welcome");
        }
    }
}
