//! What every bus can do. Rule: a bus answers for each event of a batch, and never says `Accepted` for what might
//! not arrive.

use crate::control::Steward;
use crate::one_by_one::one_by_one;
use async_trait::async_trait;
use contracts::topology::StreamName;
use contracts::{Control, Envelope};
use std::sync::Arc;
use std::time::Duration;

/// Moves envelopes, at least once.
#[async_trait]
pub trait EventBus: Send + Sync {
    /// Offers a batch, in order; one outcome for each event, in the same order. Takes no longer than `deadline`:
    /// what is undecided then is [`Published::Unknown`].
    async fn publish_batch(&self, batch: &[Envelope], deadline: Duration) -> Vec<Published>;

    /// Registers a consumer; its deliveries begin at once.
    async fn subscribe(&self, subscription: Subscription);

    /// Ends the deliveries to a domain, and what others tell it; returns when those under way are finished.
    async fn unsubscribe(&self, consumer: &str);

    /// Makes a steward answer for a domain.
    async fn appoint(&self, domain: &'static str, steward: Arc<dyn Steward>);

    /// Tells a domain something, best effort: `Accepted` says that it is on its way. Takes no longer than `deadline`.
    async fn tell(&self, to: &str, message: &Control, deadline: Duration) -> Published;

    /// The consumers that an event of that stream goes to at present.
    fn hearers(&self, domain: &str, aggregate: &str) -> Vec<&'static str>;

    /// How much earlier events may have begun to go to a consumer than any process noticed.
    fn overlap(&self) -> Duration {
        Duration::ZERO
    }

    /// Whether nothing waits for the consumer: what was published a while ago has been offered to it, or is lost.
    async fn is_drained(&self, _consumer: &str) -> bool {
        true
    }

    /// A consumer has compared all that it hears with what was published, and misses nothing: what the bus has lost on the
    /// way to it some time ago need not be an alarm any more.
    fn made_good(&self, _consumer: &str) {}

    /// How it is.
    fn status(&self) -> BusStatus;
}

/// What became of an event that was offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Published {
    /// Every subscriber has it, or a broker has it durably for them; or nobody hears it.
    Accepted,
    /// It has subscribers and reaches none of them.
    NoRoute,
    /// Refused for what it is.
    Rejected(String),
    /// Nobody can say; offer it again.
    Unknown(String),
}

/// A consumer and what it hears.
#[derive(Clone)]
pub struct Subscription {
    /// The consuming domain.
    pub consumer: &'static str,
    /// The streams, whole.
    pub streams: &'static [StreamName],
    /// Its inbox.
    pub inbox: Arc<dyn Deliver>,
}

impl Subscription {
    /// Whether an event belongs to one of the streams.
    #[must_use]
    pub fn hears(&self, envelope: &Envelope) -> bool {
        self.streams.iter().any(|stream| stream.domain == envelope.domain() && stream.aggregate == envelope.aggregate())
    }
}

/// An inbox.
#[async_trait]
pub trait Deliver: Send + Sync {
    /// Takes one event; returns when its fate is durable.
    ///
    /// # Errors
    /// [`Infrastructure`] when nothing was written because the consumer's database could not; offer it again.
    async fn deliver(&self, envelope: Envelope) -> Result<Delivered, Infrastructure>;

    /// Takes several, those of one aggregate in order; returns when the fate of each is durable or it could not be taken.
    /// What stands behind one of its aggregate that could not be taken is not tried. The answers are in the order of
    /// `events`.
    async fn deliver_all(&self, events: Vec<Envelope>) -> Vec<Result<Delivered, Infrastructure>> {
        one_by_one(self, events).await
    }

    /// Keeps a message that is no event, as it came; returns when it is durable. The same one may come twice.
    ///
    /// # Errors
    /// [`Infrastructure`], as above.
    async fn undecodable(&self, message: Undecodable) -> Result<(), Infrastructure>;
}

/// A message that is no event, or that a broker gave up delivering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecodable {
    /// What came with it, as a JSON object.
    pub headers: String,
    /// Its bytes.
    pub body: Vec<u8>,
    /// What is wrong with it.
    pub error: String,
}

/// What an inbox did with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivered {
    /// Handled, now.
    Done,
    /// Handled before, or in the hands of the inbox already.
    Duplicate,
    /// Kept, to be handled later.
    Parked,
}

/// The consumer's database could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Infrastructure(pub String);

/// How a bus is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusStatus {
    /// `in-process`, `rabbitmq`.
    pub kind: &'static str,
    /// None while it works; else what stands in its way.
    pub trouble: Option<String>,
}
