//! What a domain answers when others ask about events. Rule: every message may be lost, repeated or late; what it causes
//! is done in the database of one domain, in one transaction, and doing it again changes nothing.

use crate::follow::{Asked, Joins};
use crate::inbox::Inbox;
use crate::restored::Checks;
use crate::snapshots::Snapshots;
use crate::tuning::Tuning;
use async_trait::async_trait;
use bus::{EventBus, Published};
use contracts::Control;
use db::{Db, DbError};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};
use tokio::sync::Notify;

/// Asks and answers for one domain.
pub(crate) struct Steward {
    pub domain: &'static str,
    pub db: Db,
    /// Not its owner: the bus holds this.
    pub bus: Weak<dyn EventBus>,
    pub tuning: Tuning,
    pub snapshots: Snapshots,
    /// None where the domain hears nothing.
    pub inbox: Option<Inbox>,
    pub joins: Joins,
    pub asked: Asked,
    /// Who has still to say what it heard, since this process started.
    pub checks: Checks,
    /// Told when the gate may have to be opened or closed.
    pub look_again: Notify,
    /// Whether this process relays the domain's outbox.
    pub leads: Arc<AtomicBool>,
}

impl Steward {
    /// Tells another domain something; what became of it.
    pub(crate) async fn tell(&self, to: &str, message: Control) -> Published {
        let Some(bus) = self.bus.upgrade() else { return Published::Unknown("the bus is gone".to_owned()) };
        bus.tell(to, &message, self.tuning.publish_deadline).await
    }

    /// Those who hear a stream of this domain.
    pub(crate) fn hearers(&self, aggregate: &str) -> Vec<&'static str> {
        self.bus.upgrade().map(|bus| bus.hearers(self.domain, aggregate)).unwrap_or_default()
    }

    async fn answer(&self, message: Control) -> Result<(), DbError> {
        match message {
            Control::Replay(replay) => self.send_again(&replay).await,
            Control::Join(join) => self.let_in(&join).await,
            Control::Heads(heads) => self.compare(&heads).await,
            Control::Snapshots(snapshots) => self.take(&snapshots).await,
            Control::Gone(gone) => self.pass(&gone).await,
            Control::Started(started) => self.greet(&started).await,
            Control::Heard(heard) => self.check(&heard).await,
        }
    }
}

#[async_trait]
impl bus::Steward for Steward {
    async fn hear(&self, message: Control) {
        if let Err(error) = self.answer(message).await {
            tracing::warn!(domain = self.domain, %error, "a question about events was not answered; it will be asked again");
        }
    }

    fn alarm(&self) {
        self.joins.doubt_all();
    }
}
