//! The messaging of one domain, as a process runs it. Rule: it stops in the order in which nothing is offered to
//! nobody: first the relay, then the inbox.

use crate::follow::{Asked, Joins, begin, follow};
use crate::health::{self, MessagingHealth};
use crate::inbox::{Inbox, work_what_waits};
use crate::listener::Listeners;
use crate::relay::{Lease, Relay};
use crate::snapshots::Snapshots;
use crate::source::announce;
use crate::steward::Steward;
use crate::tuning::Tuning;
use bus::{EventBus, Subscription};
use contracts::topology::{STREAMS, StreamName};
use db::{Db, DbError};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
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
    /// The streams that it hears, whole.
    pub streams: &'static [StreamName],
    /// What it does about events.
    pub listeners: Listeners,
    /// What it can say of its aggregates without their history.
    pub snapshots: Snapshots,
    /// The numbers.
    pub tuning: Tuning,
}

/// A running relay, and a running inbox where the domain hears something.
pub struct Messaging {
    domain: &'static str,
    db: Db,
    bus: Arc<dyn EventBus>,
    listens_to: Vec<String>,
    steward: Arc<Steward>,
    announce_wake: Arc<Notify>,
    stop_relay: watch::Sender<bool>,
    stop_inbox: watch::Sender<bool>,
    publishing: Mutex<Vec<JoinHandle<()>>>,
    consuming: Mutex<Vec<JoinHandle<()>>>,
}

impl Messaging {
    /// Subscribes the inbox and starts the relay, the worker and those who ask and answer what is missing, on the present
    /// tokio runtime.
    pub async fn start(options: Options) -> Self {
        let Options { domain, db, bus, streams, listeners, snapshots, tuning } = options;
        let listens_to = listeners.types().into_iter().map(str::to_owned).collect();
        let (stop_relay, relay_stops) = watch::channel(false);
        let (stop_inbox, inbox_stops) = watch::channel(false);
        let inbox = Inbox { db: db.clone(), listeners, tuning: tuning.clone(), wake: Arc::default() };
        let inbox = (!streams.is_empty()).then_some(inbox);
        let steward = Arc::new(Steward {
            domain,
            db: db.clone(),
            bus: Arc::downgrade(&bus),
            snapshots,
            inbox: inbox.clone(),
            joins: Joins::new(streams, tuning.join),
            asked: Asked::default(),
            leads: AtomicBool::new(false),
            tuning: tuning.clone(),
        });
        let mut consuming = Vec::new();
        if inbox.is_some()
            && let Err(error) = begin(&db, domain, streams).await
        {
            tracing::warn!(domain, %error, "it could not be noted what this consumer begins to hear; it is tried again");
        }
        if inbox.is_some() || STREAMS.iter().any(|stream| stream.domain == domain) {
            bus.appoint(domain, Arc::clone(&steward) as _).await;
        }
        if let Some(inbox) = inbox {
            bus.subscribe(Subscription { consumer: domain, streams, inbox: Arc::new(inbox.clone()) }).await;
            consuming.push(tokio::spawn(work_what_waits(inbox, inbox_stops.clone())));
            consuming.push(tokio::spawn(follow(Arc::clone(&steward), inbox_stops)));
        }
        let lease = Lease::new(db.new_id());
        let (bus_of_relay, steward_of_relay) = (Arc::clone(&bus), Arc::clone(&steward));
        let relay = Relay { domain, db: db.clone(), bus: bus_of_relay, tuning, lease, steward: steward_of_relay };
        let announce_wake = Arc::new(Notify::new());
        let announcing = announce(Arc::clone(&steward), Arc::clone(&announce_wake), relay_stops.clone());
        let publishing = vec![tokio::spawn(relay.run(relay_stops)), tokio::spawn(announcing)];
        Self {
            domain,
            db,
            bus,
            listens_to,
            steward,
            announce_wake,
            stop_relay,
            stop_inbox,
            publishing: Mutex::new(publishing),
            consuming: Mutex::new(consuming),
        }
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

    /// Returns when the domain knows of everything that was there before it, as far as the publishers can be reached;
    /// at most so late. What is still missing then keeps coming.
    pub async fn joined(&self, within: Duration) {
        self.steward.joins.complete(within).await;
    }

    /// Makes relay and worker look now.
    pub fn wake(&self) {
        self.db.committed().notify_one();
        self.announce_wake.notify_one();
        self.steward.joins.wake.notify_one();
        if let Some(inbox) = &self.steward.inbox {
            inbox.wake.notify_one();
        }
    }

    /// Finishes the batch that is under way and relays nothing more. A process stops the relays of all its domains
    /// before the first inbox.
    pub async fn stop_relay(&self) {
        self.stop_relay.send_replace(true);
        join(self.domain, &self.publishing).await;
    }

    /// Finishes the deliveries that are under way and takes nothing more.
    pub async fn stop_inbox(&self) {
        self.stop_inbox.send_replace(true);
        self.bus.unsubscribe(self.domain).await;
        join(self.domain, &self.consuming).await;
    }
}

impl Drop for Messaging {
    fn drop(&mut self) {
        // Whoever lets go without stopping is a process that ends; its tasks end as well, at their next look.
        self.stop_relay.send_replace(true);
        self.stop_inbox.send_replace(true);
    }
}

async fn join(domain: &str, tasks: &Mutex<Vec<JoinHandle<()>>>) {
    for task in tasks.lock().await.drain(..) {
        if let Err(error) = task.await {
            tracing::error!(domain, %error, "a messaging task did not end well");
        }
    }
}
