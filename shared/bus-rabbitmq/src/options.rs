//! What the bus is told. Rule: the numbers that operators never need stand apart, with the values that hold.

use std::fmt::{self, Debug, Formatter};
use std::time::Duration;
use uuid::Uuid;

/// What a process needs to use a broker.
#[derive(Clone)]
pub struct Options {
    /// `amqp://user:password@host:5672/vhost`, or `amqps://…`.
    pub url: String,
    /// Tells this start of this process from every other, at the broker.
    pub boot_id: Uuid,
    /// The domains of this process: it consumes for those, and publishes for all.
    pub mounted: Vec<&'static str>,
    /// Put before every name at the broker; only tests need one.
    pub prefix: Option<String>,
}

impl Debug for Options {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { url: _, boot_id, mounted, prefix } = self;
        f.debug_struct("Options")
            .field("boot_id", boot_id)
            .field("mounted", mounted)
            .field("prefix", prefix)
            .finish_non_exhaustive()
    }
}

/// How long things take.
#[derive(Debug, Clone)]
pub struct Timing {
    /// Reaching the broker.
    pub connect: Duration,
    /// Any other answer of the broker: declaring, opening a channel, a confirm that no caller waits shorter for.
    pub answer: Duration,
    /// First and longest pause before another try to connect. The longest, one connect, the declarations and then what
    /// waited in the meantime together stay below half a minute, also for a broker that is still starting.
    pub reconnect: (Duration, Duration),
    /// First and longest pause before an event is offered again to an inbox whose database is in trouble.
    pub retry: (Duration, Duration),
    /// How long an event is held for such an inbox before it goes back to the queue.
    pub hold: Duration,
    /// How often the queues are looked at.
    pub check: Duration,
    /// How long a queue may hold events while an idle consumer gets none.
    pub stall: Duration,
    /// How long a queue may be without a consumer in any process before it is named.
    pub abandoned: Duration,
    /// How long after a loss a consumer that misses nothing has really got everything: what was published just before is
    /// compared last.
    pub made_good: Duration,
    /// How long a loss of a consumer is said where only another process can know that it misses nothing.
    pub elsewhere: Duration,
    /// Heartbeat; a connection that is silent for twice as long is dead.
    pub heartbeat: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        let (half, seconds) = (Duration::from_millis(500), Duration::from_secs);
        Self {
            connect: seconds(5),
            answer: seconds(10),
            reconnect: (half, seconds(8)),
            retry: (half, seconds(30)),
            hold: seconds(300),
            check: seconds(10),
            stall: seconds(60),
            abandoned: seconds(60),
            made_good: seconds(180),
            elsewhere: seconds(600),
            heartbeat: seconds(10),
        }
    }
}
