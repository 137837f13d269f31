//! What arrives, one by one. Rule: one transaction on the happy path; the event that is next is handled, an older one is a
//! duplicate, a younger one is parked.

use super::anew;
use super::apply::{apply, context};
use super::failure::{self, Attempt, Failure, Noted};
use super::head::{self, Key};
use super::together::together;
use crate::entity::inbox::{DEAD, WAITING};
use crate::entity::inbox_head::Model;
use crate::listener::{ListenError, Listeners};
use crate::tuning::Tuning;
use async_trait::async_trait;
use bus::{Deliver, Delivered, Infrastructure, Undecodable, one_by_one};
use contracts::Envelope;
use contracts::failpoint::{self, Point};
use db::{Db, Tx};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// The inbox of one domain.
#[derive(Clone)]
pub(crate) struct Inbox {
    pub db: Db,
    pub listeners: Listeners,
    pub tuning: Tuning,
    /// Told when something that waits may have become due.
    pub wake: Arc<Notify>,
    /// Publishers whose events stand where others stood.
    pub strangers: Arc<Strangers>,
}

/// Publishers that have to be told what was heard of them.
#[derive(Debug, Default)]
pub(crate) struct Strangers {
    sources: Mutex<BTreeSet<String>>,
    pub noted: Notify,
}

impl Strangers {
    fn note(&self, source: &str) {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).insert(source.to_owned());
        self.noted.notify_one();
    }

    /// Those that were noted since the last time.
    pub(crate) fn take(&self) -> BTreeSet<String> {
        std::mem::take(&mut *self.sources.lock().unwrap_or_else(PoisonError::into_inner))
    }
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
                    failpoint::pass(Point::BeforeAck);
                    self.wake.notify_one();
                }
                Ok(delivered)
            }
            Err(error) => self.failed(incoming, &error, Attempt::OnArrival).await,
        }
    }

    async fn deliver_all(&self, events: Vec<Envelope>) -> Vec<Result<Delivered, Infrastructure>> {
        let events: Vec<Arc<Envelope>> = events.into_iter().map(Arc::new).collect();
        let answers = together(self, &events).await;
        if answers.iter().any(|answer| matches!(answer, Some(Ok(Delivered::Done)))) {
            failpoint::pass(Point::BeforeAck);
            self.wake.notify_one();
        }
        let apart = events.into_iter().zip(&answers).filter(|(_, answer)| answer.is_none());
        let apart = one_by_one(self, apart.map(|(envelope, _)| Arc::unwrap_or_clone(envelope)).collect()).await;
        let mut apart = apart.into_iter();
        let lost = || Err(Infrastructure("the inbox lost count".to_owned()));
        answers.into_iter().map(|answer| answer.or_else(|| apart.next()).unwrap_or_else(lost)).collect()
    }

    async fn undecodable(&self, message: Undecodable) -> Result<(), Infrastructure> {
        self.keep(message).await
    }
}

impl Inbox {
    pub(crate) fn new(db: &Db, listeners: Listeners, tuning: &Tuning) -> Self {
        Self { db: db.clone(), listeners, tuning: tuning.clone(), wake: Arc::default(), strangers: Arc::default() }
    }

    /// Sorts a failure: the database's trouble is handed back, a listener's is noted.
    ///
    /// # Errors
    /// [`Infrastructure`] when the database cannot be used; nothing was written.
    pub(crate) async fn failed(
        &self,
        event: Incoming,
        error: &ListenError,
        attempt: Attempt,
    ) -> Result<Delivered, Infrastructure> {
        if let ListenError::Db(error) = error
            && error.is_infrastructure()
        {
            return Err(Infrastructure(error.to_string()));
        }
        let permanent = matches!(error, ListenError::Permanent(_));
        let failure = Failure { event, error: error.to_string(), permanent, attempt };
        let envelope = &failure.event.envelope;
        failpoint::pass(Point::BeforeNote);
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
    if envelope.stream_epoch != head.stream_epoch && !begins_anew(tx, &key, &head, envelope).await? {
        return of_another_epoch(tx, &key, &head, envelope).await;
    }
    let last_seq = if envelope.stream_epoch == head.stream_epoch { head.last_seq } else { 0 };
    if envelope.sequence <= last_seq {
        if anew::is_taken(tx, &key, envelope.sequence, envelope.id.uuid()).await? {
            tracing::error!(consumer, event_id = %envelope.id, subject = %envelope.aggregate_id, sequence = envelope.sequence, "another event stood at this place of the stream: was the publisher's database put back? It is told");
            inbox.strangers.note(envelope.domain());
        }
        return Ok(Delivered::Duplicate);
    }
    if envelope.stream_epoch > 1 {
        anew::make_room(tx, &key, envelope.sequence, envelope.id.uuid(), envelope.stream_epoch).await?;
    }
    if envelope.sequence > last_seq + 1 {
        failure::park(tx, consumer, envelope).await?;
        return Ok(Delivered::Parked);
    }
    match failure::find(tx, &key, envelope).await? {
        None => {}
        Some(row) if row.status == WAITING || row.status == DEAD => return Ok(Delivered::Duplicate),
        // Done in an older epoch, and published again in this one.
        Some(_) => {
            head::advance(tx, &key, envelope.sequence);
            return Ok(Delivered::Duplicate);
        }
    }
    apply(tx, &inbox.listeners, envelope, inbox.tuning.listener_deadline).await?;
    failure::record_done(tx, consumer, envelope);
    head::advance(tx, &key, envelope.sequence);
    Ok(Delivered::Done)
}

/// True when a newer epoch begins with this event: nothing was before it.
async fn begins_anew(tx: &mut Tx, key: &Key, head: &Model, envelope: &Envelope) -> Result<bool, ListenError> {
    let begins = envelope.stream_epoch > head.stream_epoch && envelope.sequence == 1;
    if begins {
        anew::switch(tx, key, envelope.stream_epoch, 0).await?;
    }
    Ok(begins)
}

/// One of an older epoch is of a history that was given up; one of a newer epoch waits for the aggregate as it is there.
async fn of_another_epoch(tx: &mut Tx, key: &Key, head: &Model, envelope: &Envelope) -> Result<Delivered, ListenError> {
    let (consumer, known_epoch, epoch) = (key.consumer, head.stream_epoch, envelope.stream_epoch);
    if epoch < known_epoch {
        tracing::warn!(consumer, event_id = %envelope.id, subject = %envelope.aggregate_id, known_epoch, epoch, "an event of before its publisher's database was put back; it is passed");
        return Ok(Delivered::Duplicate);
    }
    tracing::warn!(consumer, event_id = %envelope.id, subject = %envelope.aggregate_id, known_epoch, epoch, "the publisher's stream begins anew; the event waits for the aggregate as it is now");
    anew::make_room(tx, key, envelope.sequence, envelope.id.uuid(), epoch).await?;
    failure::park(tx, consumer, envelope).await?;
    Ok(Delivered::Parked)
}
