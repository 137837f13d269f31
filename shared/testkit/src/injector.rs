//! Other domains' events for a domain that is tested alone. Rule: they cross the bus like any other, and each
//! aggregate's are numbered without a gap.

use crate::settle::{self, Store};
use bus::{EventBus, Published};
use contracts::user::Role;
use contracts::user::v1::{UserCreated, UserDeleted, UserUpdated};
use contracts::{Clock, Envelope, Event, EventId, NewEnvelope, UserId};
use serde_json::value::to_raw_value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How long an event may take to every inbox.
const PATIENCE: Duration = Duration::from_secs(10);

/// Publishes events that no served domain emitted.
pub struct Injector {
    bus: Arc<dyn EventBus>,
    clock: Arc<dyn Clock>,
    sequences: Arc<Mutex<HashMap<Uuid, i64>>>,
    stores: Vec<Store>,
}

impl Injector {
    pub(crate) fn new(
        bus: Arc<dyn EventBus>,
        clock: Arc<dyn Clock>,
        sequences: Arc<Mutex<HashMap<Uuid, i64>>>,
        stores: Vec<Store>,
    ) -> Self {
        Self { bus, clock, sequences, stores }
    }

    /// Publishes the aggregate's next event, caused by `by`; returns it, so that it can be delivered again.
    pub async fn event<E: Event>(&self, event: &E, aggregate: Uuid, by: Option<UserId>) -> Envelope {
        let envelope = self.envelope(event, aggregate, by);
        self.deliver(&envelope).await;
        envelope
    }

    /// The aggregate's next event, not published yet.
    ///
    /// # Panics
    /// When the payload has no JSON form.
    #[must_use]
    pub fn envelope<E: Event>(&self, event: &E, aggregate: Uuid, by: Option<UserId>) -> Envelope {
        let mut sequences = self.sequences.lock().unwrap();
        let sequence = sequences.entry(aggregate).or_default();
        *sequence += 1;
        Envelope::new(NewEnvelope {
            id: EventId(crate::tokens::random_id()),
            domain: E::DOMAIN,
            aggregate: E::AGGREGATE,
            aggregate_id: aggregate,
            event_type: E::event_type(),
            time: self.clock.now(),
            correlation_id: Some("injected".to_owned()),
            causation_id: None,
            traceparent: None,
            sequence: *sequence,
            stream_epoch: 1,
            auth_id: by,
            data: to_raw_value(event).expect("a payload"),
        })
    }

    /// Puts an event on the bus, for the first time or again; returns when every consumer has taken it: a broker
    /// accepts it before that.
    ///
    /// # Panics
    /// When one has not.
    pub async fn deliver(&self, envelope: &Envelope) {
        let outcomes = self.bus.publish_batch(std::slice::from_ref(envelope), PATIENCE).await;
        assert_eq!(outcomes, [Published::Accepted], "{} was not taken", envelope.event_type);
        let accepted = Instant::now();
        while !settle::taken(&self.stores, envelope).await {
            assert!(accepted.elapsed() < PATIENCE, "{} stays on its way", envelope.event_type);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Somebody registered elsewhere.
    pub async fn user_created(&self, user: UserId, username: &str) -> Envelope {
        let created = UserCreated {
            user_id: user,
            username: username.to_owned(),
            email: format!("{username}@example.org"),
            display_name: None,
            timezone: "UTC".to_owned(),
            role: Role::User,
            is_active: true,
        };
        self.event(&created, user.uuid(), Some(user)).await
    }

    /// Somebody's account was switched on or off elsewhere.
    pub async fn user_activated(&self, user: UserId, username: &str, is_active: bool) -> Envelope {
        let updated = UserUpdated {
            user_id: user,
            username: username.to_owned(),
            email: format!("{username}@example.org"),
            display_name: None,
            timezone: "UTC".to_owned(),
            role: Role::User,
            is_active,
            changes: Vec::new(),
        };
        self.event(&updated, user.uuid(), None).await
    }

    /// Somebody's account is gone elsewhere.
    pub async fn user_deleted(&self, user: UserId) -> Envelope {
        self.event(&UserDeleted { user_id: user }, user.uuid(), Some(user)).await
    }
}
