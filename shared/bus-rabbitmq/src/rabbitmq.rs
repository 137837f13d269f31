//! The bus over a broker. Rule: connections are kept by nobody but their keeper, which connects again for ever; whoever
//! needs one asks for the present one and copes with there being none.

use crate::broker;
use crate::consume::Consumer;
use crate::control::{Ear, Mouth};
use crate::declare::{Declared, Forgotten, declare, look_at};
use crate::error::ConnectError;
use crate::health::Health;
use crate::link::Link;
use crate::names::Names;
use crate::options::{Options, Timing};
use crate::pause::Pauses;
use crate::publish::Publisher;
use crate::supervise::until_it_ends;
use crate::watch::watch;
use async_trait::async_trait;
use bus::{BusStatus, EventBus, Published, Steward, Subscription};
use contracts::topology::{HEARS, consumers_of};
use contracts::{Control, Envelope};
use lapin::uri::AMQPUri;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// How much earlier than a publisher notices it another process may have made a consumer's queue: as long as it takes to
/// replace all processes by those of a newer release.
const OVERLAP: Duration = Duration::from_secs(600);

/// Moves envelopes through RabbitMQ. Dropping it ends its connections; what is under way then is delivered again.
pub struct RabbitMq {
    shared: Arc<Shared>,
    publisher: Publisher,
    mouth: Mouth,
    consuming: watch::Receiver<Option<Arc<Link>>>,
    consumers: Arc<Mutex<Vec<Consumer>>>,
    ears: Mutex<Vec<Ear>>,
    /// Ended by being dropped.
    _keepers: JoinSet<()>,
}

/// What every part knows.
pub(crate) struct Shared {
    pub uri: AMQPUri,
    pub names: Names,
    pub timing: Timing,
    pub mounted: Vec<&'static str>,
    pub boot_id: Uuid,
    pub health: Health,
    forgotten: Mutex<BTreeSet<&'static str>>,
    /// Consumers whose queues were there once.
    known: Mutex<BTreeSet<&'static str>>,
}

/// What a connection is for; a blocked publisher must not keep a consumer from acknowledging.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Publishing,
    Consuming,
}

impl RabbitMq {
    /// Connects and declares everything that every process declares. Its tasks run on the present tokio runtime.
    ///
    /// # Errors
    /// [`ConnectError`]: one line for the operator. Afterwards a broker that goes away is waited for.
    pub async fn connect(options: Options) -> Result<Arc<Self>, ConnectError> {
        Self::connect_with(options, Timing::default()).await
    }

    /// The same, with other times than those that hold.
    ///
    /// # Errors
    /// As for [`RabbitMq::connect`].
    pub async fn connect_with(options: Options, timing: Timing) -> Result<Arc<Self>, ConnectError> {
        let uri: AMQPUri = options.url.parse().map_err(ConnectError::Url)?;
        broker::check(&uri, timing.connect).await?;
        let shared = Arc::new(Shared {
            uri,
            names: Names::new(options.prefix.as_deref()),
            timing,
            mounted: options.mounted,
            boot_id: options.boot_id,
            health: Health::default(),
            forgotten: Mutex::default(),
            known: Mutex::default(),
        });
        let publishing = Arc::new(shared.open(Role::Publishing, Forgotten::Revive).await?);
        let consuming = Arc::new(shared.open(Role::Consuming, Forgotten::Keep).await?);
        let mut keepers = JoinSet::new();
        let publishing = shared.keep(Role::Publishing, publishing, &mut keepers);
        let mouth = Mouth::new(Arc::clone(&shared), publishing.clone());
        let publisher = Publisher::new(Arc::clone(&shared), publishing);
        let links = shared.keep(Role::Consuming, consuming, &mut keepers);
        let consumers = Arc::default();
        keepers.spawn(shared.watch(links.clone(), Arc::clone(&consumers)));
        Ok(Arc::new(Self {
            shared,
            publisher,
            mouth,
            consuming: links,
            consumers,
            ears: Mutex::default(),
            _keepers: keepers,
        }))
    }
}

impl Shared {
    /// The domains that were forgotten at the broker.
    pub(crate) fn forgotten(&self) -> BTreeSet<&'static str> {
        self.forgotten.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps whether a domain was forgotten.
    pub(crate) fn note_forgotten(&self, domain: &'static str, forgotten: bool) {
        let mut known = self.forgotten.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = if forgotten { known.insert(domain) } else { known.remove(domain) };
        if changed {
            tracing::info!(domain, forgotten, "whether the broker keeps events for a domain has changed");
        }
    }

    async fn open(&self, role: Role, forgotten: Forgotten) -> Result<Link, ConnectError> {
        let link = Link::open(&self.uri, &format!("cleave {} {}", role.name(), self.boot_id), &self.timing).await?;
        if role == Role::Publishing {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let declared = declare(&link, &self.uri, &self.names, &self.mounted, forgotten, &known).await?;
            self.note_declared(declared);
        }
        Ok(link)
    }

    fn note_declared(&self, declared: Declared) {
        let Declared { forgotten, lost } = declared;
        for queue in lost {
            self.health.lost(queue.as_str(), "it was not there when everything was declared");
        }
        let known = HEARS.iter().map(|line| line.consumer).filter(|consumer| !forgotten.contains(consumer)).collect();
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
        *self.forgotten.lock().unwrap_or_else(PoisonError::into_inner) = forgotten;
    }

    /// Lends a connection to whoever needs it, and replaces it when it ends, for ever.
    fn keep(
        self: &Arc<Self>,
        role: Role,
        link: Arc<Link>,
        keepers: &mut JoinSet<()>,
    ) -> watch::Receiver<Option<Arc<Link>>> {
        let (lend, links) = watch::channel(Some(link));
        let shared = Arc::clone(self);
        keepers.spawn(async move {
            let what = format!("the keeper of the connection for {}", role.name());
            until_it_ends(&shared.health, &what, shared.timing.reconnect.0, || shared.follow(role, &lend)).await;
        });
        links
    }

    /// Follows the connection that is lent, and lends another when it ends.
    async fn follow(&self, role: Role, lend: &watch::Sender<Option<Arc<Link>>>) {
        let mut pauses = Pauses::new(self.timing.reconnect);
        loop {
            let lent = lend.borrow().clone();
            let link = match lent {
                Some(link) => link,
                None => {
                    let link = Arc::new(self.open_again(role, &mut pauses).await);
                    lend.send_replace(Some(Arc::clone(&link)));
                    link
                }
            };
            let since = Instant::now();
            self.health.fine(role.name());
            let blocked = format!("blocked {}", role.name());
            let ended = link.follow(|reason| match reason {
                Some(reason) => drop(self.health.trouble(&blocked, &format!("blocked by the broker: {reason}"))),
                None => self.health.fine(&blocked),
            });
            let reason = ended.await;
            lend.send_replace(None);
            self.health.fine(&blocked);
            self.health.trouble(role.name(), &format!("no connection for {} ({reason})", role.name()));
            // Whoever still uses it learns from its end that there will be another.
            link.close().await;
            if since.elapsed() > self.timing.reconnect.1 {
                pauses.reset();
            }
        }
    }

    fn watch(
        self: &Arc<Self>,
        links: watch::Receiver<Option<Arc<Link>>>,
        consumers: Arc<Mutex<Vec<Consumer>>>,
    ) -> impl Future<Output = ()> + use<> {
        let shared = Arc::clone(self);
        async move {
            let begin = || watch(Arc::clone(&shared), links.clone(), Arc::clone(&consumers));
            until_it_ends(&shared.health, "the watch over the queues", shared.timing.check, begin).await;
        }
    }

    async fn open_again(&self, role: Role, pauses: &mut Pauses) -> Link {
        loop {
            sleep(pauses.next()).await;
            match self.open(role, Forgotten::Keep).await {
                Ok(link) => return link,
                Err(error) => {
                    tracing::debug!(role = role.name(), %error, "the broker is not back yet");
                    self.health.trouble(role.name(), &format!("no connection for {}: {error}", role.name()));
                }
            }
        }
    }
}

impl Role {
    const fn name(self) -> &'static str {
        match self {
            Self::Publishing => "publishing",
            Self::Consuming => "consuming",
        }
    }
}

#[async_trait]
impl EventBus for RabbitMq {
    async fn publish_batch(&self, batch: &[Envelope], deadline: Duration) -> Vec<Published> {
        self.publisher.publish(batch, deadline).await
    }

    async fn subscribe(&self, subscription: Subscription) {
        let consumer = Consumer::start(&self.shared, &self.consuming, subscription);
        self.consumers.lock().unwrap_or_else(PoisonError::into_inner).push(consumer);
    }

    async fn unsubscribe(&self, consumer: &str) {
        let gone: Vec<Consumer> = {
            let mut consumers = self.consumers.lock().unwrap_or_else(PoisonError::into_inner);
            let (gone, stay) = consumers.drain(..).partition(|c| c.name == consumer);
            *consumers = stay;
            gone
        };
        for consumer in gone {
            consumer.stop().await;
        }
        let gone: Vec<Ear> = {
            let mut ears = self.ears.lock().unwrap_or_else(PoisonError::into_inner);
            let (gone, stay) = ears.drain(..).partition(|ear| ear.domain == consumer);
            *ears = stay;
            gone
        };
        for ear in gone {
            ear.stop().await;
        }
    }

    async fn appoint(&self, domain: &'static str, steward: Arc<dyn Steward>) {
        let ear = Ear::start(&self.shared, &self.consuming, domain, steward);
        self.ears.lock().unwrap_or_else(PoisonError::into_inner).push(ear);
    }

    async fn tell(&self, to: &str, message: &Control, deadline: Duration) -> Published {
        self.mouth.tell(to, message, deadline).await
    }

    fn hearers(&self, domain: &str, aggregate: &str) -> Vec<&'static str> {
        let forgotten = self.shared.forgotten();
        consumers_of(domain, aggregate).filter(|consumer| !forgotten.contains(consumer)).collect()
    }

    fn overlap(&self) -> Duration {
        OVERLAP
    }

    async fn is_drained(&self, consumer: &str) -> bool {
        let Some(link) = self.consuming.borrow().clone() else { return false };
        let inbox = look_at(&link, &self.shared.names.inbox(consumer)).await;
        inbox.is_ok_and(|inbox| inbox.is_some_and(|inbox| inbox.message_count() == 0))
    }

    fn made_good(&self, consumer: &str) {
        self.shared.health.made_good(self.shared.names.inbox(consumer).as_str(), self.shared.timing.made_good);
    }

    fn status(&self) -> BusStatus {
        BusStatus { kind: "rabbitmq", trouble: self.shared.health.summary() }
    }
}

impl Drop for RabbitMq {
    fn drop(&mut self) {
        self.consumers.lock().unwrap_or_else(PoisonError::into_inner).iter().for_each(Consumer::abort);
        self.ears.lock().unwrap_or_else(PoisonError::into_inner).iter().for_each(Ear::abort);
    }
}
