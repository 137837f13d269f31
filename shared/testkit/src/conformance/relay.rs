//! Offering as an outbox does. Rule: what was not accepted is offered again, and nothing of an aggregate passes what is
//! not accepted.

use super::PATIENCE;
use bus::{EventBus, Published};
use contracts::Envelope;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// Pause before what was not accepted is offered again.
const PAUSE: Duration = Duration::from_millis(10);
/// Events that are offered at once.
const BATCH: usize = 256;

/// Events on their way.
pub struct Relay {
    task: JoinHandle<()>,
}

impl Relay {
    /// Begins to offer.
    #[must_use]
    pub fn start(bus: &Arc<dyn EventBus>, events: Vec<Envelope>, deadline: Duration) -> Self {
        let bus = Arc::clone(bus);
        Self { task: tokio::spawn(async move { offer(bus.as_ref(), events, deadline).await }) }
    }

    /// Returns when everything was accepted.
    ///
    /// # Panics
    /// When that takes too long, or the bus refuses an event.
    pub async fn done(self) {
        timeout(PATIENCE, self.task).await.expect("everything is accepted in time").expect("a relay");
    }

    /// Offers all, and returns when it was accepted.
    pub async fn all(bus: &Arc<dyn EventBus>, events: Vec<Envelope>) {
        Self::start(bus, events, Duration::from_secs(10)).done().await;
    }
}

async fn offer(bus: &dyn EventBus, mut waiting: Vec<Envelope>, deadline: Duration) {
    while !waiting.is_empty() {
        let batch: Vec<Envelope> = waiting.iter().take(BATCH).cloned().collect();
        let outcomes = bus.publish_batch(&batch, deadline).await;
        assert_eq!(outcomes.len(), batch.len(), "an outcome for each event");
        let (mut held, mut gone) = (HashSet::new(), HashSet::new());
        for (event, outcome) in batch.iter().zip(outcomes) {
            let aggregate = (event.aggregate().to_owned(), event.aggregate_id);
            match outcome {
                Published::Accepted if !held.contains(&aggregate) => drop(gone.insert(event.id)),
                Published::Accepted | Published::NoRoute | Published::Unknown(_) => drop(held.insert(aggregate)),
                Published::Rejected(error) => panic!("{} was refused: {error}", event.id),
            }
        }
        waiting.retain(|event| !gone.contains(&event.id));
        if !held.is_empty() {
            sleep(PAUSE).await;
        }
    }
}
