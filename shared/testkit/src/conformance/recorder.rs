//! An inbox in memory. Rule: it keeps the promise of the real one (a watermark per aggregate, parking, duplicates) and
//! remembers what it was given; so a case can tell what the bus did from what an inbox makes of it.

use super::PATIENCE;
use async_trait::async_trait;
use bus::{Deliver, Delivered, Infrastructure, Undecodable};
use contracts::Envelope;
use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

/// How the inbox takes the events of one aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// Its database is in trouble, that many times.
    Troubled(u32),
    /// It panics, that many times.
    Panics(u32),
    /// It keeps them for later.
    Parks,
    /// It takes its time.
    Slow(Duration),
    /// It waits for [`Recorder::let_go`].
    Waits,
}

/// The recording inbox.
#[derive(Default)]
pub struct Recorder {
    moods: Mutex<HashMap<Uuid, Mood>>,
    record: Mutex<Record>,
    /// Raised at every change of the record.
    changes: watch::Sender<u64>,
    open: watch::Sender<bool>,
}

/// What happened.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// Every event that was handed over, also the ones that came again.
    pub deliveries: Vec<(Uuid, i64)>,
    /// Every event that had its effect, in that order.
    pub effects: Vec<(Uuid, i64)>,
    /// Those that came before the one in front of them.
    pub early: Vec<(Uuid, i64)>,
    /// Those that were kept because of [`Mood::Parks`].
    pub parked: Vec<(Uuid, i64)>,
    /// What was no event.
    pub undecodable: Vec<Undecodable>,
    heads: HashMap<Uuid, i64>,
    waiting: BTreeSet<(Uuid, i64)>,
}

impl Recorder {
    /// From now on, events of the aggregate are taken like this.
    ///
    /// # Panics
    /// When another thread panicked with the lock held.
    pub fn mood(&self, aggregate: Uuid, mood: Mood) {
        self.moods.lock().unwrap().insert(aggregate, mood);
    }

    /// The aggregate's events up to this one had their effect elsewhere.
    ///
    /// # Panics
    /// When another thread panicked with the lock held.
    pub fn start_at(&self, aggregate: Uuid, seq: i64) {
        self.record.lock().unwrap().heads.insert(aggregate, seq);
    }

    /// Ends every [`Mood::Waits`].
    pub fn let_go(&self) {
        self.open.send_replace(true);
    }

    /// What happened so far.
    ///
    /// # Panics
    /// When another thread panicked with the lock held.
    #[must_use]
    pub fn record(&self) -> Record {
        self.record.lock().unwrap().clone()
    }

    /// Returns when the record is as wanted.
    ///
    /// # Panics
    /// When it does not get there; the message names `what` and what happened instead.
    pub async fn until(&self, what: &str, wanted: impl Fn(&Record) -> bool) -> Record {
        let mut changes = self.changes.subscribe();
        let reached = timeout(PATIENCE, async {
            loop {
                changes.borrow_and_update();
                let record = self.record();
                if wanted(&record) {
                    return record;
                }
                changes.changed().await.expect("a recorder");
            }
        });
        reached.await.unwrap_or_else(|_| panic!("{what}: it never came to that, but to {:?}", self.record().summary()))
    }

    /// Returns when so many events had their effect.
    pub async fn effects(&self, wanted: usize) -> Record {
        self.until(&format!("{wanted} effects"), |record| record.effects.len() >= wanted).await
    }

    /// What stands against taking the event now; nothing where the watermark knows it already.
    fn obstacle(&self, aggregate: Uuid, seq: i64) -> Option<Mood> {
        if self.record.lock().unwrap().heads.get(&aggregate).is_some_and(|head| seq <= *head) {
            return None;
        }
        let mut moods = self.moods.lock().unwrap();
        let mood = moods.get_mut(&aggregate)?;
        let now = *mood;
        if let Mood::Troubled(left) | Mood::Panics(left) = mood {
            *left = left.saturating_sub(1);
            if *left == 0 {
                moods.remove(&aggregate);
            }
        }
        Some(now)
    }

    fn note<T>(&self, change: impl FnOnce(&mut Record) -> T) -> T {
        let done = change(&mut self.record.lock().unwrap());
        self.changes.send_modify(|changes| *changes += 1);
        done
    }
}

impl Record {
    /// The sequences of an aggregate in the order of their effects.
    #[must_use]
    pub fn order(&self, aggregate: Uuid) -> Vec<i64> {
        self.effects.iter().filter(|(of, _)| *of == aggregate).map(|(_, seq)| *seq).collect()
    }

    /// How often an aggregate's events were handed over.
    #[must_use]
    pub fn deliveries_of(&self, aggregate: Uuid) -> usize {
        self.deliveries.iter().filter(|(of, _)| *of == aggregate).count()
    }

    fn summary(&self) -> String {
        let Self { deliveries, effects, early, parked, undecodable, waiting, .. } = self;
        format!(
            "{} deliveries, {} effects, {} early, {} parked, {} undecodable, {} waiting",
            deliveries.len(),
            effects.len(),
            early.len(),
            parked.len(),
            undecodable.len(),
            waiting.len()
        )
    }

    fn take(&mut self, aggregate: Uuid, seq: i64) -> Delivered {
        let head = self.heads.entry(aggregate).or_default();
        if seq <= *head || self.waiting.contains(&(aggregate, seq)) {
            return Delivered::Duplicate;
        }
        if seq > *head + 1 {
            self.early.push((aggregate, seq));
            self.waiting.insert((aggregate, seq));
            return Delivered::Parked;
        }
        *head = seq;
        self.effects.push((aggregate, seq));
        while self.waiting.remove(&(aggregate, *head + 1)) {
            *head += 1;
            self.effects.push((aggregate, *head));
        }
        Delivered::Done
    }
}

#[async_trait]
impl Deliver for Recorder {
    async fn deliver(&self, envelope: Envelope) -> Result<Delivered, Infrastructure> {
        let (aggregate, seq) = (envelope.aggregate_id, envelope.sequence);
        self.note(|record| record.deliveries.push((aggregate, seq)));
        match self.obstacle(aggregate, seq) {
            None => {}
            Some(Mood::Troubled(_)) => return Err(Infrastructure("the disk is full".to_owned())),
            Some(Mood::Panics(_)) => panic!("an inbox that panics, as the case wants it"),
            Some(Mood::Parks) => {
                self.note(|record| record.parked.push((aggregate, seq)));
                return Ok(Delivered::Parked);
            }
            Some(Mood::Slow(time)) => sleep(time).await,
            Some(Mood::Waits) => drop(self.open.subscribe().wait_for(|open| *open).await),
        }
        Ok(self.note(|record| record.take(aggregate, seq)))
    }

    async fn undecodable(&self, message: Undecodable) -> Result<(), Infrastructure> {
        self.note(|record| record.undecodable.push(message));
        Ok(())
    }
}
