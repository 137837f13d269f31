//! What a domain does about an event. Rule: registration is an explicit list; a listener is a use-case over an event,
//! it may run more than once and says at each failure whether trying again can help.

use contracts::{Envelope, Event};
use db::{DbError, Tx};
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// An event as a listener gets it.
#[derive(Debug, Clone)]
pub struct Heard<E> {
    /// Identity, order and trace.
    pub envelope: Envelope,
    /// The payload.
    pub data: E,
}

/// Why a listener did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Trying again may help: the event is parked and tried again with backoff.
    #[error("{0}")]
    Retry(String),
    /// Trying again cannot help: the event is dead at once.
    #[error("{0}")]
    Permanent(String),
    /// The database refused. What is its state's fault costs no attempt.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// What happens to an aggregate's later events once one is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnDead {
    /// They wait until it is replayed or skipped: order is kept.
    #[default]
    Block,
    /// They go on without it: for consumers that need no order.
    Skip,
}

/// A running listener.
pub(crate) type Running<'t> = Pin<Box<dyn Future<Output = Result<(), ListenError>> + Send + 't>>;
/// A listener whose payload type is hidden.
pub(crate) type Listener = Arc<dyn for<'t> Fn(&'t mut Tx, &'t Envelope) -> Running<'t> + Send + Sync>;

/// A listener over a payload: any `async fn(&mut Tx, &Heard<E>) -> Result<(), ListenError>`.
pub trait Listen<'t, E: 't>: Send + Sync {
    /// The running listener.
    type Running: Future<Output = Result<(), ListenError>> + Send + 't;

    /// Runs it once.
    fn run(&self, tx: &'t mut Tx, event: &'t Heard<E>) -> Self::Running;
}

impl<'t, E: 't, F, R> Listen<'t, E> for F
where
    F: Fn(&'t mut Tx, &'t Heard<E>) -> R + Send + Sync,
    R: Future<Output = Result<(), ListenError>> + Send + 't,
{
    type Running = R;

    fn run(&self, tx: &'t mut Tx, event: &'t Heard<E>) -> R {
        self(tx, event)
    }
}

/// The listeners of one consumer.
#[derive(Clone)]
pub struct Listeners {
    pub(crate) consumer: &'static str,
    pub(crate) on_dead: OnDead,
    by_type: Arc<HashMap<String, Listener>>,
}

impl Listeners {
    /// No listener yet, for the domain of that name.
    #[must_use]
    pub fn new(consumer: &'static str) -> Self {
        Self { consumer, on_dead: OnDead::default(), by_type: Arc::default() }
    }

    /// Sets what a dead event means for those behind it.
    #[must_use]
    pub fn on_dead(mut self, policy: OnDead) -> Self {
        self.on_dead = policy;
        self
    }

    /// Adds a listener for a type of event; a second one for the same type replaces the first.
    #[must_use]
    pub fn on<E, F>(mut self, listener: F) -> Self
    where
        E: Event,
        F: for<'t> Listen<'t, E> + 'static,
    {
        let listener = Arc::new(listener);
        let erased: Listener = Arc::new(move |tx, envelope| {
            let listener = Arc::clone(&listener);
            Box::pin(async move {
                let data = serde_json::from_str(envelope.data.get())
                    .map_err(|error| ListenError::Permanent(format!("the payload does not decode: {error}")))?;
                let heard = Heard { envelope: envelope.clone(), data };
                listener.run(tx, &heard).await
            })
        });
        Arc::make_mut(&mut self.by_type).insert(E::event_type(), erased);
        self
    }

    /// The types that have a listener, sorted.
    #[must_use]
    pub fn types(&self) -> Vec<&str> {
        let mut types: Vec<&str> = self.by_type.keys().map(String::as_str).collect();
        types.sort_unstable();
        types
    }

    pub(crate) fn find(&self, event_type: &str) -> Option<&Listener> {
        self.by_type.get(event_type)
    }
}
