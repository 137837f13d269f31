//! The numbers of the relay and the inbox. Rule: tests turn these knobs, code does not know other numbers.

use db::Load;
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
    /// How often it is looked for gaps, and how long an event waits for the one before it until that counts as lost.
    pub gap: (Duration, Duration),
    /// How often consumers are told how far the streams are, and how old an event must be to have arrived.
    pub digest: (Duration, Duration),
    /// How often it is looked how much waits in the outbox, and whether it may be emitted into.
    pub watch: Duration,
    /// With so much waiting there, commands that emit are refused.
    pub outbox: Load,
    /// First and longest pause before a publisher is asked again what a consumer needs to begin.
    pub join: (Duration, Duration),
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
            gap: (Duration::from_secs(10), Duration::from_secs(60)),
            digest: (Duration::from_secs(30), Duration::from_secs(60)),
            watch: Duration::from_secs(2),
            outbox: Load { events: 500_000, bytes: 1 << 30 },
            join: (Duration::from_secs(5), Duration::from_secs(60)),
        }
    }
}
