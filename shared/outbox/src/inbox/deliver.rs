//! What arrives. Rule: one transaction on the happy path; the event that is next is handled, an older one is a
//! duplicate, a younger one is parked.

use super::apply::{apply, context};
use super::failure::{self, Failure, Noted};
use super::head::{self, Key};
use crate::entity::inbox::{DEAD, WAITING};
use crate::listener::{ListenError, Listeners};
use crate::tuning::Tuning;
use async_trait::async_trait;
use bus::{Deliver, Delivered, Infrastructure, Undecodable};
use contracts::Envelope;
use db::{Db, Tx};
use std::sync::Arc;
use tokio::sync::Notify;

/// The inbox of one domain.
#[derive(Clone)]
pub(crate) struct Inbox {
    pub db: Db,
    pub listeners: Listeners,
    pub tuning: Tuning,
    /// Told when something that waits may have become due.
    pub wake: Arc<Notify>,
}

/// An event on its way in.
pub(crate) struct Incoming {
    pub inbox: Inbox,
    pub envelope: Envelope,
}

#[async_trait]
impl Deliver for Inbox {
    async fn deliver(&self, envelope: Envelope) -> Result<Delivered, Infrastructure> {
        let incoming = Incoming { inbox: self.clone(), envelope };
        match self.db.write(&context(&incoming.envelope), &incoming, accept).await {
            Ok(delivered) => {
                if delivered == Delivered::Done {
                    self.wake.notify_one();
                }
                Ok(delivered)
            }
            Err(error) => self.failed(incoming, &error).await,
        }
    }

    async fn undecodable(&self, message: Undecodable) -> Result<(), Infrastructure> {
        self.keep(message).await
    }
}

impl Inbox {
    /// Sorts a failure: the database's trouble is handed back, a listener's is noted.
    ///
    /// # Errors
    /// [`Infrastructure`] when the database cannot be used; nothing was written.
    pub(crate) async fn failed(&self, event: Incoming, error: &ListenError) -> Result<Delivered, Infrastructure> {
        if let ListenError::Db(error) = error
            && error.is_infrastructure()
        {
            return Err(Infrastructure(error.to_string()));
        }
        let permanent = matches!(error, ListenError::Permanent(_));
        let failure = Failure { event, error: error.to_string(), permanent };
        let envelope = &failure.event.envelope;
        let noted = self.db.write(&context(envelope), &failure, failure::note).await;
        let noted = noted.map_err(|error: ListenError| Infrastructure(error.to_string()))?;
        let (consumer, event) = (self.listeners.consumer, &envelope.event_type);
        match noted {
            Noted::Waits => {
                tracing::warn!(consumer, event_id = %envelope.id, event, subject = %envelope.aggregate_id, error = %failure.error, "listener failed; it is tried again");
                self.wake.notify_one();
                Ok(Delivered::Parked)
            }
            Noted::Dead => {
                tracing::error!(consumer, event_id = %envelope.id, event, subject = %envelope.aggregate_id, error = %failure.error, "listener failed for good; the event is dead until it is replayed or skipped");
                Ok(Delivered::Parked)
            }
            Noted::Settled => Ok(Delivered::Duplicate),
        }
    }
}

async fn accept(tx: &mut Tx, incoming: &Incoming) -> Result<Delivered, ListenError> {
    let Incoming { inbox, envelope } = incoming;
    let consumer = inbox.listeners.consumer;
    let key = Key::of(consumer, envelope);
    let head = head::lock(tx, &key, envelope.stream_epoch).await?;
    if envelope.stream_epoch != head.stream_epoch {
        tracing::error!(consumer, event_id = %envelope.id, subject = %envelope.aggregate_id, known_epoch = head.stream_epoch, epoch = envelope.stream_epoch, "the publisher's stream begins anew: was its database restored? The event is parked");
        failure::park(tx, consumer, envelope).await?;
        return Ok(Delivered::Parked);
    }
    if envelope.sequence <= head.last_seq {
        return Ok(Delivered::Duplicate);
    }
    if envelope.sequence > head.last_seq + 1 {
        failure::park(tx, consumer, envelope).await?;
        return Ok(Delivered::Parked);
    }
    let known = failure::find(tx, consumer, envelope.id.uuid()).await?;
    if known.is_some_and(|row| row.status == WAITING || row.status == DEAD) {
        return Ok(Delivered::Duplicate);
    }
    apply(tx, &inbox.listeners, envelope, inbox.tuning.listener_deadline).await?;
    failure::record_done(tx, consumer, envelope);
    head::advance(tx, &key, envelope.sequence);
    Ok(Delivered::Done)
}
