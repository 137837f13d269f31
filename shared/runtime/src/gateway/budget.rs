//! How often requests may be asked a second time. Rule: a tenth of them, so that a service in trouble is not asked
//! twice as much by those who want to help.

use std::sync::atomic::{AtomicU32, Ordering};

/// Tenths of a second try; a request earns one, a second try costs ten.
const COST: u32 = 10;
/// What can be saved up: the requests under way to a target that is killed fail all at once.
const MOST: u32 = 100 * COST;

/// Second tries that one service's requests have earned.
#[derive(Debug)]
pub(super) struct Budget(AtomicU32);

impl Budget {
    pub(super) const fn full() -> Self {
        Self(AtomicU32::new(MOST))
    }

    /// A request came.
    pub(super) fn earn(&self) {
        self.change(|tenths| (tenths < MOST).then_some(tenths + 1));
    }

    /// Whether a second try can be paid for; if so it is.
    pub(super) fn spend(&self) -> bool {
        self.change(|tenths| tenths.checked_sub(COST))
    }

    fn change(&self, to: impl Fn(u32) -> Option<u32>) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, to).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_the_requests_may_be_asked_again() {
        let budget = Budget::full();
        let saved = (0..1000).filter(|_| budget.spend()).count();
        assert_eq!(saved, 100);
        for _ in 0..95 {
            budget.earn();
        }
        assert_eq!((0..1000).filter(|_| budget.spend()).count(), 9);
    }

    #[test]
    fn no_more_is_saved_than_a_full_budget() {
        let budget = Budget::full();
        budget.earn();
        assert_eq!((0..1000).filter(|_| budget.spend()).count(), 100);
    }
}
