//! How far a system is while a fault is on, and when it has recovered. Rule: the databases say so; what was committed when the
//! fault ended must have had its effect before it counts as recovered.

use super::store::{Row, Store};
use contracts::topology::HEARS;
use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(25);
/// How many ids are asked for at once.
const TOGETHER: usize = 500;

/// The databases by domain.
pub type Stores = BTreeMap<&'static str, Store>;

/// The events that a consumer has not done yet.
#[derive(Debug)]
pub struct Pending {
    by_consumer: Vec<(&'static str, Vec<String>)>,
}

impl Pending {
    /// What is committed now and not done.
    ///
    /// # Panics
    /// When a database is away.
    pub async fn now(stores: &Stores) -> Self {
        let mut by_consumer = Vec::new();
        for line in HEARS {
            let store = &stores[line.consumer];
            let sql = format!(
                "SELECT {} FROM inbox WHERE consumer = '{}' AND status = 1",
                store.id("event_id"),
                line.consumer
            );
            let done: HashSet<String> = patient(store, &sql).await.into_iter().filter_map(first).collect();
            let mut pending = Vec::new();
            for stream in line.streams {
                let store = &stores[stream.domain];
                let id = store.id("event_id");
                let sql = format!("SELECT {id} FROM outbox WHERE aggregate_type = '{}'", stream.aggregate);
                pending
                    .extend(patient(store, &sql).await.into_iter().filter_map(first).filter(|id| !done.contains(id)));
            }
            by_consumer.push((line.consumer, pending));
        }
        Self { by_consumer }
    }

    /// How many they are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.by_consumer.iter().map(|(_, events)| events.len()).sum()
    }

    /// Returns when all of them are done; after how long the first one was.
    ///
    /// # Errors
    /// Some are not after `deadline`; how many.
    ///
    /// # Panics
    /// When a database is away for long.
    pub async fn done(mut self, stores: &Stores, deadline: Duration) -> Result<Duration, String> {
        let (started, all, mut first_done) = (Instant::now(), self.count(), Duration::ZERO);
        loop {
            for (consumer, events) in &mut self.by_consumer {
                let store = &stores[*consumer];
                let asked: Vec<String> = events.iter().take(TOGETHER).map(|event| store.literal(event)).collect();
                if asked.is_empty() {
                    continue;
                }
                let (id, asked) = (store.id("event_id"), asked.join(", "));
                let sql = format!(
                    "SELECT {id} FROM inbox WHERE consumer = '{consumer}' AND status = 1 AND event_id IN ({asked})"
                );
                let done: HashSet<String> = patient(store, &sql).await.into_iter().filter_map(first).collect();
                events.retain(|event| !done.contains(event));
            }
            if first_done.is_zero() && self.count() < all {
                first_done = started.elapsed();
            }
            if self.count() == 0 {
                return Ok(first_done);
            }
            if started.elapsed() > deadline {
                return Err(format!("{} effects are missing after {deadline:?}: {:?}", self.count(), self.some()));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn some(&self) -> Vec<(&str, &String)> {
        self.by_consumer
            .iter()
            .flat_map(|(consumer, events)| events.iter().take(3).map(|event| (*consumer, event)))
            .collect()
    }
}

/// Returns when nothing is under way any more: all that was emitted is published and done.
///
/// # Errors
/// It does not come to rest in time; what moves.
///
/// # Panics
/// When a database is away for long.
pub async fn rest(stores: &Stores, deadline: Duration) -> Result<(), String> {
    let started = Instant::now();
    loop {
        for domain in stores.keys() {
            published(stores, domain, started, deadline).await?;
        }
        let pending = Pending::now(stores).await;
        // What was done meanwhile may have emitted into an outbox that was looked at before.
        let mut unpublished = 0;
        for store in stores.values() {
            unpublished += unpublished_in(store).await;
        }
        if pending.count() == 0 && unpublished == 0 {
            return Ok(());
        }
        pending.done(stores, deadline.saturating_sub(started.elapsed())).await?;
    }
}

/// Returns when a domain's outbox holds nothing that is not published.
async fn published(stores: &Stores, domain: &str, started: Instant, deadline: Duration) -> Result<(), String> {
    loop {
        let unpublished = unpublished_in(&stores[domain]).await;
        if unpublished == 0 {
            return Ok(());
        }
        if started.elapsed() > deadline {
            return Err(format!("{unpublished} events of {domain} are not published after {deadline:?}"));
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn unpublished_in(store: &Store) -> u64 {
    let rows = patient(store, "SELECT count(*) FROM outbox WHERE published_at IS NULL").await;
    rows.into_iter().next().and_then(first).unwrap_or_default().parse().expect("a number")
}

fn first(row: Row) -> Option<String> {
    row.into_iter().next().flatten()
}

/// Asks again while a server is not quite back.
async fn patient(store: &Store, sql: &str) -> Vec<Row> {
    let started = Instant::now();
    loop {
        match store.rows(sql).await {
            Ok(rows) => return rows,
            Err(error) => assert!(started.elapsed() < Duration::from_secs(30), "{error}"),
        }
        tokio::time::sleep(LOOK).await;
    }
}
