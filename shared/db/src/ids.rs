//! Where ids come from. Rule: UUIDv7 (RFC 9562) of the clock's millisecond with a counter, so that ids made by one
//! process sort in the order in which they were made, also when a test's clock stands still.

use contracts::Clock;
use std::sync::{Arc, Mutex, PoisonError};
use uuid::{ContextV7, Timestamp, Uuid};

/// A source of UUIDv7.
#[derive(Debug)]
pub struct Ids {
    clock: Arc<dyn Clock>,
    counter: Mutex<ContextV7>,
}

impl Ids {
    /// Ids whose time is the clock's.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, counter: Mutex::new(ContextV7::new()) }
    }

    /// A new id.
    #[must_use]
    pub fn next(&self) -> Uuid {
        let now = self.clock.now();
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        let counter = self.counter.lock().unwrap_or_else(PoisonError::into_inner);
        Uuid::new_v7(Timestamp::from_unix(&*counter, seconds, now.timestamp_subsec_nanos()))
    }
}
