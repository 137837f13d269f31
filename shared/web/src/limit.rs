//! How often something may be done. Rule: one bucket for each key, which fills again evenly; whoever has used up theirs is
//! told when to come again, and nobody can make the memory of it grow without end.
//!
//! This is the generic cell rate algorithm. It stands here in thirty lines, because the crates that have it can neither
//! look at a bucket without taking from it nor refuse to keep more keys.

mod buckets;
mod network;
mod standing;

pub use network::Network;
pub use standing::Standing;

use buckets::Buckets;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// The most keys that one limiter keeps, about 35 MB.
const KEYS: usize = 1_000_000;

/// At most so many in so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    count: u32,
    window: Duration,
}

impl Quota {
    /// `count` in each `window`; none when either is nothing, or when a window is too short for its count to be told apart.
    #[must_use]
    pub fn new(count: u32, window: Duration) -> Option<Self> {
        let each = u64::try_from(window.as_nanos()).ok()?.checked_div(u64::from(count))?;
        (each > 0).then_some(Self { count, window })
    }

    /// The same for numbers that stand in the program, of which each is more than nothing.
    #[must_use]
    pub const fn at_least_one(count: u32, window: Duration) -> Self {
        Self { count: if count == 0 { 1 } else { count }, window }
    }

    /// Another count in another window: so many times this one.
    #[must_use]
    pub fn times(self, count: u32, window: u32) -> Self {
        Self { count: self.count.saturating_mul(count.max(1)), window: self.window.saturating_mul(window.max(1)) }
    }

    /// How many.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// In how long.
    #[must_use]
    pub const fn window(&self) -> Duration {
        self.window
    }

    /// After how many nanoseconds one more is allowed.
    fn each(&self) -> u64 {
        (nanoseconds(self.window) / u64::from(self.count.max(1))).max(1)
    }
}

/// One quota for each key. Every thread of a process shares it.
#[derive(Debug)]
pub struct Limiter<K> {
    name: &'static str,
    quota: Quota,
    /// When each key's bucket will be full again, in nanoseconds since `began`.
    buckets: Buckets<K>,
    began: Instant,
}

impl<K: Hash + Eq + Copy> Limiter<K> {
    /// Nobody has done anything yet. `name` is what clients read of it.
    #[must_use]
    pub fn new(name: &'static str, quota: Quota) -> Self {
        Self::with_keys(name, quota, KEYS)
    }

    /// The same with another bound on the keys that are kept.
    #[must_use]
    pub fn with_keys(name: &'static str, quota: Quota, keys: usize) -> Self {
        Self { name, quota, buckets: Buckets::new(keys), began: Instant::now() }
    }

    /// Does it once, if that is allowed.
    pub fn take(&self, key: K) -> Standing {
        self.take_at(key, self.now())
    }

    /// Whether it would be allowed.
    pub fn look(&self, key: K) -> Standing {
        let now = self.now();
        let (_, standing) = self.count(self.buckets.get(&key), now);
        standing
    }

    /// Takes back what was allowed and is not to count.
    pub fn give_back(&self, key: K) {
        let each = self.quota.each();
        self.buckets.change(&key, |full| full.saturating_sub(each));
    }

    /// Drops every key that has recovered, and the memory that it took.
    pub fn sweep(&self) {
        self.buckets.sweep(self.now());
    }

    /// How many keys are kept.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.buckets.len()
    }

    fn now(&self) -> u64 {
        nanoseconds(self.began.elapsed())
    }

    fn take_at(&self, key: K, now: u64) -> Standing {
        self.buckets.update(key, |full| {
            let (full, standing) = self.count(full, now);
            (standing.is_allowed().then_some(full), standing)
        })
    }

    /// When the bucket is full again after one more, and how it stands.
    fn count(&self, full: Option<u64>, now: u64) -> (u64, Standing) {
        let (each, window) = (self.quota.each(), nanoseconds(self.quota.window));
        let since = full.unwrap_or(now).max(now);
        let then = since.saturating_add(each);
        let missing = then - now;
        if missing > window {
            return (since, Standing::refused(self.name, self.quota, Duration::from_nanos(missing - window)));
        }
        let left = u32::try_from((window - missing) / each).unwrap_or(u32::MAX).min(self.quota.count - 1);
        (then, Standing::allowed(self.name, self.quota, left, Duration::from_nanos(missing)))
    }
}

fn nanoseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn limiter(count: u32, seconds: u64, keys: usize) -> Limiter<u64> {
        Limiter::with_keys("default", Quota::new(count, Duration::from_secs(seconds)).unwrap(), keys)
    }

    #[test]
    fn a_bucket_holds_the_quota_and_fills_again_evenly() {
        let limiter = limiter(3, 60, 10);
        for left in [2, 1, 0] {
            let standing = limiter.take_at(1, 0);
            assert!(standing.is_allowed());
            assert_eq!(standing.remaining(), left);
        }
        let refused = limiter.take_at(1, 0);
        assert_eq!((refused.is_allowed(), refused.remaining(), refused.wait()), (false, 0, Duration::from_secs(20)));
        assert!(!limiter.take_at(1, 19 * SECOND).is_allowed());
        assert!(limiter.take_at(1, 20 * SECOND).is_allowed(), "a refusal costs nothing");
        assert!(!limiter.take_at(1, 20 * SECOND).is_allowed());
        assert_eq!(limiter.take_at(1, 200 * SECOND).remaining(), 2, "never more than the quota");
    }

    #[test]
    fn one_key_takes_nothing_of_another() {
        let limiter = limiter(1, 60, 10);
        assert!(limiter.take_at(1, 0).is_allowed() && !limiter.take_at(1, 0).is_allowed());
        assert!(limiter.take_at(2, 0).is_allowed());
    }

    #[test]
    fn looking_costs_nothing_and_what_is_given_back_is_there_again() {
        let limiter = limiter(1, 3600, 10);
        for _ in 0..3 {
            assert!(limiter.look(1).is_allowed());
        }
        assert!(limiter.take(1).is_allowed());
        assert!(!limiter.look(1).is_allowed());
        limiter.give_back(1);
        assert!(limiter.take(1).is_allowed());
        limiter.give_back(7);
        assert_eq!(limiter.keys(), 1, "nothing is kept of who never took anything");
    }

    #[test]
    fn who_has_recovered_is_forgotten() {
        let limiter = limiter(2, 60, 1000);
        for key in 0..100 {
            let _ = limiter.take_at(key, 0);
        }
        let _ = limiter.take_at(7, 20 * SECOND);
        limiter.buckets.sweep(40 * SECOND);
        assert_eq!(limiter.keys(), 1, "the one whose bucket is not full yet");
        limiter.buckets.sweep(61 * SECOND);
        assert_eq!(limiter.keys(), 0);
    }

    #[test]
    fn more_keys_than_may_be_kept_push_one_another_out() {
        let limiter = limiter(1, 60, 50);
        for key in 0..500 {
            assert!(limiter.take_at(key, 0).is_allowed(), "nobody is kept out by strangers");
        }
        assert_eq!(limiter.keys(), 50);
        assert!(!limiter.take_at(499, 0).is_allowed(), "the newest one is known");
    }

    #[test]
    fn a_million_keys_are_kept_and_no_more() {
        let limiter = limiter(100, 60, KEYS);
        for key in 0..1_200_000 {
            let _ = limiter.take_at(key, 0);
        }
        assert!((900_000..=KEYS).contains(&limiter.keys()), "{}", limiter.keys());
        let slots = limiter.buckets.capacity();
        assert!(slots <= 2 * KEYS, "{slots} slots of 17 bytes");
        limiter.buckets.sweep(61 * SECOND);
        assert_eq!((limiter.keys(), limiter.buckets.capacity()), (0, 0), "and their memory is given back");
    }

    #[test]
    fn what_is_no_quota_is_none() {
        assert!(Quota::new(0, Duration::from_secs(1)).is_none());
        assert!(Quota::new(1, Duration::ZERO).is_none());
        assert!(Quota::new(1000, Duration::from_nanos(999)).is_none());
        assert!(Quota::new(u32::MAX, Duration::from_secs(60)).is_some());
    }
}
