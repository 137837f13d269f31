//! Running a listener. Rule: it ends at its deadline, a panic is a failure like any other, and a type without a
//! listener, or a blanked event, counts as handled.

use crate::alive::message;
use crate::listener::{ListenError, Listeners};
use contracts::Envelope;
use db::{Context, Tx};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::time::timeout;

/// Runs the listener of the event's type in the open transaction.
///
/// # Errors
/// What the listener returned; [`ListenError::Retry`] for a panic or when it ran beyond `deadline`.
pub(crate) async fn apply(
    tx: &mut Tx,
    listeners: &Listeners,
    envelope: &Envelope,
    deadline: Duration,
) -> Result<(), ListenError> {
    let Some(listener) = listeners.find(&envelope.event_type).filter(|_| !envelope.is_erased()) else {
        return Ok(());
    };
    // Dropping the future is enough: what it did is taken back, and cannot be kept any more.
    match timeout(deadline, AssertUnwindSafe(listener(tx, envelope)).catch_unwind()).await {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => Err(ListenError::Retry(format!("panicked: {}", message(panic.as_ref())))),
        Err(_) => Err(ListenError::Retry(format!("did not finish within {} ms", deadline.as_millis()))),
    }
}

/// The context of whatever a listener does: caused by the event, on behalf of who caused that.
pub(crate) fn context(envelope: &Envelope) -> Context {
    Context {
        caller: envelope.auth_id,
        correlation_id: envelope.correlation_id.clone(),
        causation_id: Some(envelope.id.uuid()),
        traceparent: envelope.traceparent.clone(),
    }
}
