//! The messaging of one domain, as a process runs it. Rule: it stops in the order in which nothing is offered to
//! nobody: first the relay, then the inbox.

use crate::health::{self, MessagingHealth};
use crate::inbox::{Inbox, work_what_waits};
use crate::listener::Listeners;
use crate::relay::{Lease, Relay};
use crate::tuning::Tuning;
use bus::{EventBus, Subscription};
use contracts::topology;
use db::{Db, DbError};
use std::sync::Arc;
use tokio::sync::{Mutex, Notify, watch};
use tokio::task::JoinHandle;

/// What one domain's messaging needs.
pub struct Options {
    /// The domain.
    pub domain: &'static str,
    /// Its database.
    pub db: Db,
    /// The bus.
    pub bus: Arc<dyn EventBus>,
    /// What it does about events.
    pub listeners: Listeners,
    /// The numbers.
    pub tuning: Tuning,
}

/// A running relay, and a running inbox where the domain hears something.
pub struct Messaging {
    domain: &'static str,
    db: Db,
    bus: Arc<dyn EventBus>,
    listens_to: Vec<String>,
    inbox_wake: Arc<Notify>,
    stop_relay: watch::Sender<bool>,
    stop_inbox: watch::Sender<bool>,
    relay: Mutex<Option<JoinHandle<()>>>,
    worker: Mutex<Option<JoinHandle<()>>>,
}

impl Messaging {
    /// Subscribes the inbox and starts the relay and the worker on the present tokio runtime.
    pub async fn start(options: Options) -> Self {
        let Options { domain, db, bus, listeners, tuning } = options;
        let listens_to = listeners.types().into_iter().map(str::to_owned).collect();
        let inbox_wake = Arc::new(Notify::new());
        let (stop_relay, relay_stops) = watch::channel(false);
        let (stop_inbox, inbox_stops) = watch::channel(false);
        let streams = topology::heard_by(domain);
        let mut worker = None;
        if !streams.is_empty() {
            let inbox = Inbox { db: db.clone(), listeners, tuning: tuning.clone(), wake: Arc::clone(&inbox_wake) };
            bus.subscribe(Subscription { consumer: domain, streams, inbox: Arc::new(inbox.clone()) }).await;
            worker = Some(tokio::spawn(work_what_waits(inbox, inbox_stops)));
        }
        let lease = Lease::new(db.new_id());
        let relay = Relay { domain, db: db.clone(), bus: Arc::clone(&bus), tuning, lease };
        let relay = Mutex::new(Some(tokio::spawn(relay.run(relay_stops))));
        Self { domain, db, bus, listens_to, inbox_wake, stop_relay, stop_inbox, relay, worker: Mutex::new(worker) }
    }

    /// The types of events that have a listener, sorted.
    #[must_use]
    pub fn listens_to(&self) -> &[String] {
        &self.listens_to
    }

    /// How it is.
    ///
    /// # Errors
    /// See [`DbError`].
    pub async fn health(&self) -> Result<MessagingHealth, DbError> {
        health::read(&self.db).await
    }

    /// Makes relay and worker look now.
    pub fn wake(&self) {
        self.db.committed().notify_one();
        self.inbox_wake.notify_one();
    }

    /// Finishes the batch that is under way and relays nothing more. A process stops the relays of all its domains
    /// before the first inbox.
    pub async fn stop_relay(&self) {
        self.stop_relay.send_replace(true);
        join(self.domain, self.relay.lock().await.take()).await;
    }

    /// Finishes the deliveries that are under way and takes nothing more.
    pub async fn stop_inbox(&self) {
        self.stop_inbox.send_replace(true);
        self.bus.unsubscribe(self.domain).await;
        join(self.domain, self.worker.lock().await.take()).await;
    }
}

impl Drop for Messaging {
    fn drop(&mut self) {
        // Whoever lets go without stopping is a process that ends; its tasks end as well, at their next look.
        self.stop_relay.send_replace(true);
        self.stop_inbox.send_replace(true);
    }
}

async fn join(domain: &str, task: Option<JoinHandle<()>>) {
    if let Some(task) = task
        && let Err(error) = task.await
    {
        tracing::error!(domain, %error, "a messaging task did not end well");
    }
}
