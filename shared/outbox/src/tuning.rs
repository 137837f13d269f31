//! The numbers of the relay and the inbox. Rule: tests turn these knobs, code does not know other numbers.

use std::time::Duration;

/// How the relay and the inbox work.
#[derive(Debug, Clone)]
pub struct Tuning {
    /// First and last pause between two looks at an idle table; it doubles in between.
    pub poll: (Duration, Duration),
    /// Whether tables are looked at without being woken. Off only to measure the wake-up.
    pub polling: bool,
    /// Events that are offered to the bus at once.
    pub batch: u64,
    /// How long the bus may take for a batch.
    pub publish_deadline: Duration,
    /// How long a listener may run.
    pub listener_deadline: Duration,
    /// Attempts after which an event is dead.
    pub attempts: i32,
    /// Backoff before the second attempt, and its ceiling.
    pub backoff: (Duration, Duration),
    /// How long a lease holds without renewal, and how often it is renewed.
    pub lease: (Duration, Duration),
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            poll: (Duration::from_millis(100), Duration::from_secs(2)),
            polling: true,
            batch: 256,
            publish_deadline: Duration::from_secs(10),
            listener_deadline: Duration::from_secs(1),
            attempts: 12,
            backoff: (Duration::from_secs(1), Duration::from_secs(600)),
            lease: (Duration::from_secs(10), Duration::from_secs(3)),
        }
    }
}
