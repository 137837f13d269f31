//! What domains ask each other, beside the events. Rule: best effort; who asked asks again, and nothing but an event
//! ever changes what a domain knows for good.

use async_trait::async_trait;
use contracts::Control;

/// Answers for a domain what others ask it about events.
#[async_trait]
pub trait Steward: Send + Sync {
    /// Takes one message; it may come twice, late or never. Returns when it is done with it.
    async fn hear(&self, message: Control);

    /// Events that were on their way to this domain may be lost: it should ask how far the streams are.
    fn alarm(&self);
}
