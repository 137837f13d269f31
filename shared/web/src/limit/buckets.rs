//! Where a limiter keeps its keys. Rule: a bound that holds at every moment; where it is reached, a newcomer takes the place
//! of somebody, because to refuse newcomers would let a stranger with many addresses shut everybody else out.

use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::{BuildHasher, Hash};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks of their own: nobody waits for the sweep of more than one of them.
const PARTS: usize = 16;
/// Below so many keys one part is enough.
const SMALL: usize = 1024;

/// A number for each key.
#[derive(Debug)]
pub(super) struct Buckets<K> {
    parts: Vec<Mutex<HashMap<K, u64>>>,
    /// Keys of one part.
    most: usize,
    hasher: RandomState,
}

impl<K: Hash + Eq + Copy> Buckets<K> {
    pub(super) fn new(keys: usize) -> Self {
        let parts = if keys < SMALL { 1 } else { PARTS };
        let hasher = RandomState::new();
        Self {
            parts: (0..parts).map(|_| Mutex::new(HashMap::with_hasher(hasher.clone()))).collect(),
            most: (keys / parts).max(1),
            hasher,
        }
    }

    pub(super) fn get(&self, key: &K) -> Option<u64> {
        self.part(key)?.get(key).copied()
    }

    /// Changes the number of a key that there is.
    pub(super) fn change(&self, key: &K, change: impl FnOnce(u64) -> u64) {
        if let Some(mut part) = self.part(key)
            && let Some(number) = part.get_mut(key)
        {
            *number = change(*number);
        }
    }

    /// Hands the number of a key to `decide`, and keeps the one it answers, if any.
    pub(super) fn update<T>(&self, key: K, decide: impl FnOnce(Option<u64>) -> (Option<u64>, T)) -> T {
        let Some(mut part) = self.part(&key) else { return decide(None).1 };
        if part.len() >= self.most
            && !part.contains_key(&key)
            && let Some(somebody) = part.keys().next().copied()
        {
            part.remove(&somebody);
        }
        match part.entry(key) {
            Entry::Occupied(mut entry) => {
                let (number, answer) = decide(Some(*entry.get()));
                if let Some(number) = number {
                    entry.insert(number);
                }
                answer
            }
            Entry::Vacant(entry) => {
                let (number, answer) = decide(None);
                if let Some(number) = number {
                    entry.insert(number);
                }
                answer
            }
        }
    }

    /// Drops the keys whose number is not above `now`.
    pub(super) fn sweep(&self, now: u64) {
        for part in &self.parts {
            let mut part = locked(part);
            part.retain(|_, number| *number > now);
            part.shrink_to_fit();
        }
    }

    pub(super) fn len(&self) -> usize {
        self.parts.iter().map(|part| locked(part).len()).sum()
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.parts.iter().map(|part| locked(part).capacity()).sum()
    }

    /// There is always one.
    fn part(&self, key: &K) -> Option<MutexGuard<'_, HashMap<K, u64>>> {
        // The upper half, because the maps themselves go by the lower one.
        let at = usize::try_from(self.hasher.hash_one(key) >> 32).unwrap_or_default() % self.parts.len().max(1);
        self.parts.get(at).map(locked)
    }
}

/// A number is changed in one step, so whoever panicked left nothing half done.
fn locked<T>(part: &Mutex<T>) -> MutexGuard<'_, T> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}
