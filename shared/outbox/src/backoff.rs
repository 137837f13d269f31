//! When to try again. Rule: exponential with full jitter; the jitter comes from a hash of the event and the attempt,
//! so that events which failed together do not come back together, and a replayed run waits as long as the first.

use chrono::TimeDelta;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;
use uuid::Uuid;

/// The wait after failed attempt number `attempt` (from 1): between 0 and `base * 2^(attempt - 1)`, at most `cap`.
#[must_use]
pub(crate) fn after(event: Uuid, attempt: i32, (base, cap): (Duration, Duration)) -> TimeDelta {
    let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or_default().min(31);
    let ceiling = base.saturating_mul(1 << doublings).min(cap);
    let mut hasher = DefaultHasher::new();
    (event, attempt).hash(&mut hasher);
    let micros = u64::try_from(ceiling.as_micros()).unwrap_or(u64::MAX);
    let wait = Duration::from_micros(hasher.finish() % micros.saturating_add(1));
    TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(600));

    #[test]
    fn the_ceiling_doubles_up_to_the_cap() {
        for (attempt, ceiling) in [(1, 1), (2, 2), (5, 16), (10, 512), (11, 600), (12, 600), (i32::MAX, 600)] {
            let longest = (0..2_000).map(|n| after(Uuid::from_u128(n), attempt, BOUNDS)).max().unwrap();
            assert!(longest <= TimeDelta::seconds(ceiling), "attempt {attempt}: {longest}");
            assert!(
                longest > TimeDelta::milliseconds(ceiling * 900),
                "attempt {attempt}: {longest} uses the whole range"
            );
        }
    }

    #[test]
    fn the_same_attempt_waits_as_long_again() {
        assert_eq!(after(Uuid::from_u128(7), 3, BOUNDS), after(Uuid::from_u128(7), 3, BOUNDS));
    }
}
