//! How long to wait before another try. Rule: full jitter (Brooker, "Exponential Backoff and Jitter", AWS Architecture
//! Blog, 2015), so that processes that lost the same broker do not come back in step.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// Growing, random pauses.
#[derive(Debug)]
pub(crate) struct Pauses {
    bounds: (Duration, Duration),
    tries: u32,
}

impl Pauses {
    /// From the first to the longest of `bounds`.
    pub(crate) const fn new(bounds: (Duration, Duration)) -> Self {
        Self { bounds, tries: 0 }
    }

    /// The next pause.
    pub(crate) fn next(&mut self) -> Duration {
        let (first, longest) = self.bounds;
        let ceiling = first.saturating_mul(2_u32.saturating_pow(self.tries)).min(longest).max(first);
        self.tries = self.tries.saturating_add(1);
        first + (ceiling - first).mul_f64(fraction())
    }

    /// Something worked: the next pause is a short one again.
    pub(crate) const fn reset(&mut self) {
        self.tries = 0;
    }
}

/// Evenly from 0 to 1. The standard library seeds its hash maps at random; nothing here needs more.
fn fraction() -> f64 {
    let bits = u32::try_from(RandomState::new().build_hasher().finish() >> 32).unwrap_or_default();
    f64::from(bits) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_stay_within_bounds_and_spread() {
        let bounds = (Duration::from_millis(500), Duration::from_secs(20));
        let mut seen = Vec::new();
        let mut pauses = Pauses::new(bounds);
        for _ in 0..200 {
            seen.push(pauses.next());
        }
        assert!(seen.iter().all(|pause| *pause >= bounds.0 && *pause <= bounds.1));
        assert_eq!(seen[0], bounds.0, "the first try comes soon");
        assert!(seen.iter().any(|pause| *pause > bounds.1 / 2) && seen[10..].iter().any(|pause| *pause < bounds.1 / 2));
        pauses.reset();
        assert_eq!(pauses.next(), bounds.0);
    }
}
