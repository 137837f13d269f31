//! The messaging of one domain, as a process runs it. Rule: it stops in the order in which nothing is offered to
//! nobody: first the relay, then the inbox.

use crate::alive::{Pulse, keep_alive};
use crate::follow::{Asked, Joins, begin, follow};
use crate::health::{self, MessagingHealth};
use crate::inbox::{Inbox, work_what_waits};
use crate::listener::Listeners;
use crate::relay::{Lease, Relay};
use crate::restored::Checks;
use crate::snapshots::Snapshots;
use crate::source::announce;
use crate::steward::Steward;
use crate::tuning::Tuning;
use crate::warden::keep_watch;
use bus::{EventBus, Subscription};
use contracts::topology::{STREAMS, StreamName};
use db::{Db, DbError};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, Notify, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;

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
    led: Arc<Notify>,
    stop_relay: watch::Sender<bool>,
    stop_inbox: watch::Sender<bool>,
    publishing: Mutex<Vec<JoinHandle<()>>>,
    consuming: Mutex<Vec<JoinHandle<()>>>,
    relay_pulse: Arc<Pulse>,
    inbox_pulse: Arc<Pulse>,
}

impl Messaging {
    /// Subscribes the inbox and starts the relay, the worker and those who ask and answer what is missing, on the present
    /// tokio runtime.
    pub async fn start(options: Options) -> Self {
        let Options { domain, db, bus, streams, listeners, snapshots, tuning } = options;
        let listens_to = listeners.types().into_iter().map(str::to_owned).collect();
        let (stop_relay, relay_stops) = watch::channel(false);
        let (stop_inbox, inbox_stops) = watch::channel(false);
        let inbox_pulse = Arc::new(Pulse::new());
        let inbox = (!streams.is_empty()).then(|| Inbox::new(&db, listeners, &tuning));
        let steward = Arc::new(Steward {
            domain,
            db: db.clone(),
            bus: Arc::downgrade(&bus),
            snapshots,
            inbox,
            joins: Joins::new(streams, tuning.join),
            asked: Asked::new(tuning.gap.1),
            checks: Checks::default(),
            look_again: Notify::new(),
            leads: Arc::new(AtomicBool::new(false)),
            tuning: tuning.clone(),
        });
        steward.prepare().await;
        let consuming = steward.listen(&bus, streams, Arc::clone(&inbox_pulse), inbox_stops).await;
        let (relay_pulse, led) = (Arc::new(Pulse::new()), Arc::new(Notify::new()));
        let relaying = Relaying {
            domain,
            db: db.clone(),
            bus: Arc::clone(&bus),
            tuning,
            boot: db.new_id(),
            steward: Arc::clone(&steward),
            led: Arc::clone(&led),
        };
        let relaying = relaying.keep(Arc::clone(&relay_pulse), relay_stops.clone());
        let announce_wake = Arc::new(Notify::new());
        let (teller, wake, stops) = (Arc::clone(&steward), Arc::clone(&announce_wake), relay_stops.clone());
        let announcing =
            keep(Arc::clone(&relay_pulse), format!("the heads of {domain}"), relay_stops.clone(), move || {
                announce(Arc::clone(&teller), Arc::clone(&wake), stops.clone())
            });
        let watcher = Arc::clone(&steward);
        let watching =
            keep(Arc::clone(&relay_pulse), format!("the watch over {domain}"), relay_stops.clone(), move || {
                keep_watch(Arc::clone(&watcher), relay_stops.clone())
            });
        let publishing = vec![tokio::spawn(relaying), tokio::spawn(announcing), tokio::spawn(watching)];
        Self {
            domain,
            db,
            bus,
            listens_to,
            steward,
            announce_wake,
            led,
            stop_relay,
            stop_inbox,
            publishing: Mutex::new(publishing),
            consuming: Mutex::new(consuming),
            relay_pulse,
            inbox_pulse,
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
        let inbox = self.steward.inbox.as_ref().map(|_| self.inbox_pulse.health());
        health::read(&self.db, self.relay_pulse.health(), inbox).await
    }

    /// Returns when the domain knows of everything that was there before it, as far as the publishers can be reached;
    /// at most so late. What is still missing then keeps coming.
    pub async fn joined(&self, within: Duration) {
        self.steward.joins.complete(within).await;
    }

    /// Returns when everybody who hears this domain has said what they heard, so that a database that is older than that is
    /// known before the first command; at most so late. Who says it later is listened to as well.
    pub async fn checked(&self, within: Duration) {
        let silent = self.steward.checks.complete(within).await;
        if !silent.is_empty() {
            let silent = silent.join(", ");
            tracing::info!(domain = self.domain, silent, "not all consumers have said yet what they heard");
        }
    }

    /// Says whether this process relays the outbox, and is told when it begins to.
    #[must_use]
    pub fn lead(&self) -> Lead {
        Lead { leads: Arc::clone(&self.steward.leads), begins: Arc::clone(&self.led) }
    }

    /// Makes relay and worker look now.
    pub fn wake(&self) {
        self.db.committed().notify_one();
        self.announce_wake.notify_one();
        self.steward.look_again.notify_one();
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

impl Steward {
    /// Lets the domain be asked, and lets it hear what it hears.
    async fn listen(
        self: &Arc<Self>,
        bus: &Arc<dyn EventBus>,
        streams: &'static [StreamName],
        pulse: Arc<Pulse>,
        stop: watch::Receiver<bool>,
    ) -> Vec<JoinHandle<()>> {
        let domain = self.domain;
        if self.inbox.is_some()
            && let Err(error) = begin(&self.db, domain, streams).await
        {
            tracing::warn!(domain, %error, "it could not be noted what this consumer begins to hear; it is tried again");
        }
        if self.inbox.is_some() || STREAMS.iter().any(|stream| stream.domain == domain) {
            bus.appoint(domain, Arc::clone(self) as _).await;
        }
        let Some(inbox) = &self.inbox else { return Vec::new() };
        bus.subscribe(Subscription { consumer: domain, streams, inbox: Arc::new(inbox.clone()) }).await;
        let (steward, followed, stops) = (Arc::clone(self), inbox.clone(), stop.clone());
        let following = keep(Arc::clone(&pulse), format!("what {domain} asks"), stop.clone(), move || {
            follow(Arc::clone(&steward), followed.clone(), stops.clone())
        });
        let (inbox, beats, stops) = (inbox.clone(), Arc::clone(&pulse), stop.clone());
        let working = keep(pulse, format!("the inbox of {domain}"), stop, move || {
            work_what_waits(inbox.clone(), Arc::clone(&beats), stops.clone())
        });
        vec![tokio::spawn(working), tokio::spawn(following)]
    }
}

/// What a relay is made of, each time it begins.
struct Relaying {
    domain: &'static str,
    db: Db,
    bus: Arc<dyn EventBus>,
    tuning: Tuning,
    /// Owner of the lease: this start of the process.
    boot: Uuid,
    steward: Arc<Steward>,
    led: Arc<Notify>,
}

impl Relaying {
    async fn keep(self, pulse: Arc<Pulse>, stop: watch::Receiver<bool>) {
        let begin = || {
            let relay = Relay {
                domain: self.domain,
                db: self.db.clone(),
                bus: Arc::clone(&self.bus),
                tuning: self.tuning.clone(),
                lease: Lease::new(self.boot),
                steward: Arc::clone(&self.steward),
                led: Arc::clone(&self.led),
                pulse: Arc::clone(&pulse),
            };
            relay.run(stop.clone())
        };
        keep_alive(&pulse, &format!("the relay of {}", self.domain), stop.clone(), begin).await;
    }
}

/// Keeps a task alive whose restarts count for `pulse`.
async fn keep<F: Future<Output = ()>>(
    pulse: Arc<Pulse>,
    what: String,
    stop: watch::Receiver<bool>,
    begin: impl FnMut() -> F,
) {
    keep_alive(&pulse, &what, stop, begin).await;
}

/// Whether a process relays an outbox.
#[derive(Debug, Clone)]
pub struct Lead {
    leads: Arc<AtomicBool>,
    /// Told when it begins to.
    pub begins: Arc<Notify>,
}

impl Lead {
    /// Whether it does now, as far as it knows: it learns that another one does within the time of a lease.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.leads.load(Ordering::Acquire)
    }
}

async fn join(domain: &str, tasks: &Mutex<Vec<JoinHandle<()>>>) {
    for task in tasks.lock().await.drain(..) {
        if let Err(error) = task.await {
            tracing::error!(domain, %error, "a messaging task did not end well");
        }
    }
}
