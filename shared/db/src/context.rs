//! On whose behalf a transaction runs. Rule: whatever is emitted in it carries this context, so no use-case has to
//! pass it on by hand.

use contracts::UserId;
use uuid::Uuid;

/// The caller and the trace of a command, or of the event that a listener works on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// Who asked; none for what the system does by itself.
    pub caller: Option<UserId>,
    /// Ties together all that one request caused.
    pub correlation_id: Option<String>,
    /// The event that is being worked on; none for a command.
    pub causation_id: Option<Uuid>,
    /// W3C trace context.
    pub traceparent: Option<String>,
}
