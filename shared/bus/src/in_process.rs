//! The bus of one process. Rule: no shortcut that a broker could not offer; every event crosses as bytes, and every
//! consumer works in a task of its own.

use crate::control::Steward;
use crate::event_bus::{BusStatus, Deliver, Delivered, EventBus, Published, Subscription};
use crate::one_by_one::panicked;
use async_trait::async_trait;
use contracts::failpoint::{self, Point};
use contracts::topology::{self, HEARS, Hears};
use contracts::{Control, Envelope};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

/// Batches that wait for a consumer.
const QUEUED_BATCHES: usize = 4;
/// Messages of other domains that wait for a steward.
const QUEUED_MESSAGES: usize = 64;

/// Hands events over within the process.
pub struct InProcess {
    mounted: Vec<&'static str>,
    hears: &'static [Hears],
    consumers: Mutex<Vec<Consumer>>,
    stewards: Mutex<Vec<Appointed>>,
}

struct Appointed {
    domain: &'static str,
    messages: mpsc::Sender<Vec<u8>>,
    task: JoinHandle<()>,
}

struct Consumer {
    subscription: Subscription,
    batches: mpsc::Sender<Batch>,
    task: JoinHandle<()>,
}

struct Batch {
    messages: Vec<Vec<u8>>,
    answer: oneshot::Sender<Vec<Published>>,
}

impl InProcess {
    /// A bus between the mounted domains. One of them that hears a stream and has not subscribed yet, or has left
    /// already, makes the stream's events [`Published::Unknown`]: they stay with their publisher.
    #[must_use]
    pub fn new(mounted: impl IntoIterator<Item = &'static str>) -> Self {
        Self::with_table(mounted, HEARS)
    }

    /// The same by another table of who hears what, which only a test has.
    #[must_use]
    pub fn with_table(mounted: impl IntoIterator<Item = &'static str>, hears: &'static [Hears]) -> Self {
        let mounted = mounted.into_iter().collect();
        Self { mounted, hears, consumers: Mutex::default(), stewards: Mutex::default() }
    }

    /// The mounted domain that hears the event and is not there to take it.
    fn missing(&self, envelope: &Envelope, present: &[(Subscription, mpsc::Sender<Batch>)]) -> Option<&'static str> {
        self.mounted_hearers(envelope.domain(), envelope.aggregate())
            .find(|consumer| present.iter().all(|(subscription, _)| subscription.consumer != *consumer))
    }

    fn mounted_hearers(&self, domain: &str, aggregate: &str) -> impl Iterator<Item = &'static str> {
        topology::consumers_in(self.hears, domain, aggregate).filter(|consumer| self.mounted.contains(consumer))
    }

    fn consumers(&self) -> Vec<(Subscription, mpsc::Sender<Batch>)> {
        let consumers = self.consumers.lock().unwrap_or_else(PoisonError::into_inner);
        consumers.iter().map(|consumer| (consumer.subscription.clone(), consumer.batches.clone())).collect()
    }
}

#[async_trait]
impl EventBus for InProcess {
    async fn publish_batch(&self, batch: &[Envelope], deadline: Duration) -> Vec<Published> {
        let deadline = Instant::now() + deadline;
        let encoded: Vec<_> = batch.iter().map(|envelope| envelope.to_bytes().map_err(|e| e.to_string())).collect();
        let present = self.consumers();
        let first_outcome = |(envelope, bytes): (&Envelope, &Result<Vec<u8>, String>)| match bytes {
            Err(error) => Published::Rejected(error.clone()),
            Ok(_) => self.missing(envelope, &present).map_or(Published::Accepted, not_there),
        };
        let mut outcomes: Vec<Published> = batch.iter().zip(&encoded).map(first_outcome).collect();
        // All consumers work at the same time; then their answers are collected.
        let mut waiting = Vec::new();
        for (subscription, batches) in &present {
            let heard =
                batch.iter().zip(&encoded).enumerate().filter(|(_, (envelope, _))| subscription.hears(envelope));
            let (places, messages): (Vec<usize>, Vec<Vec<u8>>) =
                heard.filter_map(|(place, (_, bytes))| Some((place, bytes.as_ref().ok()?.clone()))).unzip();
            if !messages.is_empty() {
                let (answer, answered) = oneshot::channel();
                let sent = timeout_at(deadline, batches.send(Batch { messages, answer })).await;
                waiting.push((subscription.consumer, places, matches!(sent, Ok(Ok(()))).then_some(answered)));
            }
        }
        failpoint::pass(Point::BeforeConfirm);
        for (consumer, places, answered) in waiting {
            let answers = match answered {
                Some(answered) => timeout_at(deadline, answered).await.ok().and_then(Result::ok),
                None => None,
            };
            let answers = answers.unwrap_or_else(|| vec![silent(consumer); places.len()]);
            for (place, answer) in places.into_iter().zip(answers) {
                if let Some(outcome) = outcomes.get_mut(place)
                    && (*outcome == Published::Accepted || matches!(answer, Published::Rejected(_)))
                {
                    *outcome = answer;
                }
            }
        }
        outcomes
    }

    async fn subscribe(&self, subscription: Subscription) {
        let (batches, queue) = mpsc::channel(QUEUED_BATCHES);
        let task = tokio::spawn(consume(Arc::clone(&subscription.inbox), queue));
        let consumer = Consumer { subscription, batches, task };
        self.consumers.lock().unwrap_or_else(PoisonError::into_inner).push(consumer);
    }

    async fn unsubscribe(&self, consumer: &str) {
        let gone: Vec<Consumer> = {
            let mut consumers = self.consumers.lock().unwrap_or_else(PoisonError::into_inner);
            let (gone, stay) = consumers.drain(..).partition(|c| c.subscription.consumer == consumer);
            *consumers = stay;
            gone
        };
        for consumer in gone {
            drop(consumer.batches);
            if let Err(error) = consumer.task.await {
                tracing::error!(consumer = consumer.subscription.consumer, %error, "a consumer did not end well");
            }
        }
        let gone: Vec<Appointed> = {
            let mut stewards = self.stewards.lock().unwrap_or_else(PoisonError::into_inner);
            let (gone, stay) = stewards.drain(..).partition(|steward| steward.domain == consumer);
            *stewards = stay;
            gone
        };
        for steward in gone {
            drop(steward.messages);
            if let Err(error) = steward.task.await {
                tracing::error!(domain = steward.domain, %error, "a steward did not end well");
            }
        }
    }

    async fn appoint(&self, domain: &'static str, steward: Arc<dyn Steward>) {
        let (messages, queue) = mpsc::channel(QUEUED_MESSAGES);
        let task = tokio::spawn(hear(steward, queue));
        self.stewards.lock().unwrap_or_else(PoisonError::into_inner).push(Appointed { domain, messages, task });
    }

    async fn tell(&self, to: &str, message: &Control, deadline: Duration) -> Published {
        let deadline = Instant::now() + deadline;
        let bytes = match message.to_bytes() {
            Ok(bytes) => bytes,
            Err(error) => return Published::Rejected(error.to_string()),
        };
        let steward = {
            let stewards = self.stewards.lock().unwrap_or_else(PoisonError::into_inner);
            stewards.iter().find(|steward| steward.domain == to).map(|steward| steward.messages.clone())
        };
        let Some(steward) = steward else { return Published::NoRoute };
        match timeout_at(deadline, steward.send(bytes)).await {
            Ok(Ok(())) => Published::Accepted,
            Ok(Err(_)) => Published::NoRoute,
            Err(_) => silent(to),
        }
    }

    fn hearers(&self, domain: &str, aggregate: &str) -> Vec<&'static str> {
        self.mounted_hearers(domain, aggregate).collect()
    }

    fn status(&self) -> BusStatus {
        BusStatus { kind: "in-process", trouble: None }
    }
}

fn not_there(consumer: &str) -> Published {
    Published::Unknown(format!("{consumer} has not subscribed"))
}

fn silent(consumer: &str) -> Published {
    Published::Unknown(format!("{consumer} did not answer in time"))
}

/// Hears one message after the other, each as it would come from elsewhere.
async fn hear(steward: Arc<dyn Steward>, mut queue: mpsc::Receiver<Vec<u8>>) {
    while let Some(message) = queue.recv().await {
        match Control::from_bytes(&message) {
            Ok(message) => {
                if AssertUnwindSafe(steward.hear(message)).catch_unwind().await.is_err() {
                    tracing::error!("answering another domain panicked");
                }
            }
            Err(error) => tracing::error!(%error, "a message to another domain cannot be read"),
        }
    }
}

/// Works batches in order, each as the inbox likes: every aggregate in order, and several aggregates at once or together.
async fn consume(inbox: Arc<dyn Deliver>, mut queue: mpsc::Receiver<Batch>) {
    while let Some(batch) = queue.recv().await {
        // Nobody waits any more: the relay has given up and offers it again.
        if batch.answer.is_closed() {
            continue;
        }
        let decoded: Vec<_> = batch.messages.iter().map(|message| Envelope::from_bytes(message)).collect();
        let events: Vec<Envelope> = decoded.iter().filter_map(|event| event.as_ref().ok().cloned()).collect();
        let count = events.len();
        // A panic is the inbox's own trouble; the consumer lives on.
        let delivered = AssertUnwindSafe(inbox.deliver_all(events)).catch_unwind().await;
        let mut delivered = delivered.unwrap_or_else(|_| vec![Err(panicked()); count]).into_iter();
        let answer = |event: Result<Envelope, _>| match event {
            Err(error) => Published::Rejected(format!("{error}")),
            Ok(_) => match delivered.next() {
                Some(Ok(Delivered::Done | Delivered::Duplicate | Delivered::Parked)) => Published::Accepted,
                Some(Err(error)) => Published::Unknown(error.0),
                None => Published::Unknown("the inbox lost count".to_owned()),
            },
        };
        let answers = decoded.into_iter().map(answer).collect();
        // A relay that has given up meanwhile offers it again; the inbox knows it then.
        let _ = batch.answer.send(answers);
    }
}
