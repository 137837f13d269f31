//! A bus that loses what it is told to lose, and says that it was taken; or panics when it is told to.

use async_trait::async_trait;
use bus::{BusStatus, EventBus, InProcess, Published, Steward, Subscription};
use contracts::{Control, Envelope, UserId};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;

pub struct Thief {
    bus: InProcess,
    wanted: Mutex<HashSet<(Uuid, i64)>>,
    panics: AtomicBool,
}

impl Thief {
    pub fn new(mounted: &[&'static str]) -> Arc<Self> {
        Arc::new(Self {
            bus: InProcess::new(mounted.iter().copied()),
            wanted: Mutex::default(),
            panics: AtomicBool::new(false),
        })
    }

    /// Panics when something is offered next.
    pub fn panic_once(&self) {
        self.panics.store(true, Ordering::Relaxed);
    }

    /// Takes that event away, once.
    pub fn steal(&self, user: UserId, seq: i64) {
        self.wanted.lock().unwrap().insert((user.uuid(), seq));
    }
}

#[async_trait]
impl EventBus for Thief {
    async fn publish_batch(&self, batch: &[Envelope], deadline: Duration) -> Vec<Published> {
        assert!(!self.panics.swap(false, Ordering::Relaxed), "on purpose");
        let is_stolen =
            |envelope: &Envelope| self.wanted.lock().unwrap().remove(&(envelope.aggregate_id, envelope.sequence));
        let stolen: Vec<bool> = batch.iter().map(is_stolen).collect();
        let rest = batch.iter().zip(&stolen).filter(|(_, stolen)| !**stolen).map(|(envelope, _)| envelope.clone());
        let rest: Vec<Envelope> = rest.collect();
        let mut outcomes = self.bus.publish_batch(&rest, deadline).await.into_iter();
        let outcome = |stolen| if stolen { Published::Accepted } else { outcomes.next().unwrap() };
        stolen.into_iter().map(outcome).collect()
    }

    async fn subscribe(&self, subscription: Subscription) {
        self.bus.subscribe(subscription).await;
    }

    async fn unsubscribe(&self, consumer: &str) {
        self.bus.unsubscribe(consumer).await;
    }

    async fn appoint(&self, domain: &'static str, steward: Arc<dyn Steward>) {
        self.bus.appoint(domain, steward).await;
    }

    async fn tell(&self, to: &str, message: &Control, deadline: Duration) -> Published {
        self.bus.tell(to, message, deadline).await
    }

    fn hearers(&self, domain: &str, aggregate: &str) -> Vec<&'static str> {
        self.bus.hearers(domain, aggregate)
    }

    fn status(&self) -> BusStatus {
        self.bus.status()
    }
}
