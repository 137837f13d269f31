//! From a batch to the broker. Rule: an event is accepted when the broker confirmed it and did not return it, and
//! nothing else is: silence, a lost connection or a confirm that never comes leave every event of the batch undecided.

use crate::link::Link;
use crate::message::{self, Message};
use crate::rabbitmq::Shared;
use bus::Published;
use contracts::failpoint::{self, Point};
use contracts::{Envelope, topology};
use futures_util::poll;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::ShortString;
use lapin::{Channel, Confirmation, PublisherConfirm};
use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;
use tokio::sync::{Mutex as AsyncMutex, watch};
use tokio::time::{Instant, timeout_at};

/// Publishes for all domains of a process, over one connection.
pub(crate) struct Publisher {
    shared: Arc<Shared>,
    links: watch::Receiver<Option<Arc<Link>>>,
    lanes: Mutex<HashMap<String, Arc<AsyncMutex<Option<Lane>>>>>,
}

/// A channel of one publishing domain. One batch at a time: a return is told apart from the next batch's by that.
struct Lane {
    link: Arc<Link>,
    channel: Channel,
}

/// A publish on its way to the socket.
type Writing<'a> = Pin<Box<dyn Future<Output = lapin::Result<PublisherConfirm>> + Send + 'a>>;

impl Publisher {
    pub(crate) fn new(shared: Arc<Shared>, links: watch::Receiver<Option<Arc<Link>>>) -> Self {
        Self { shared, links, lanes: Mutex::default() }
    }

    /// See [`bus::EventBus::publish_batch`].
    pub(crate) async fn publish(&self, batch: &[Envelope], deadline: Duration) -> Vec<Published> {
        let encoded: Vec<Result<Message, String>> = batch.iter().map(message::encode).collect();
        let sent: Vec<(&Envelope, &Message)> = batch
            .iter()
            .zip(&encoded)
            .filter_map(|(envelope, message)| Some((envelope, message.as_ref().ok()?)))
            .collect();
        let mut outcomes = match self.send(&sent, Instant::now() + deadline).await {
            Ok(outcomes) => outcomes,
            Err(reason) => vec![Published::Unknown(reason); sent.len()],
        }
        .into_iter();
        let undecided = || Published::Unknown("the bus lost count".to_owned());
        encoded
            .iter()
            .map(|message| match message {
                Ok(_) => outcomes.next().unwrap_or_else(undecided),
                Err(error) => Published::Rejected(error.clone()),
            })
            .collect()
    }

    /// What the broker says of each; `Err` when it does not say it of all.
    async fn send(&self, batch: &[(&Envelope, &Message)], deadline: Instant) -> Result<Vec<Published>, String> {
        let Some((first, _)) = batch.first() else { return Ok(Vec::new()) };
        let link = self.links.borrow().clone().ok_or("there is no connection to the broker")?;
        if let Some(reason) = link.blocked() {
            return Err(format!("the broker takes nothing at present: {reason}"));
        }
        let lane = self.lane(first.domain());
        let mut lane = timeout_at(deadline, lane.lock()).await.map_err(|_| "an earlier batch is still on its way")?;
        let within = async {
            if lane.as_ref().is_none_or(|lane| !lane.serves(&link)) {
                *lane = Some(Lane::open(Arc::clone(&link)).await?);
            }
            match lane.as_ref() {
                Some(lane) => self.confirmed(&lane.channel, batch).await,
                None => Err("there is no channel".to_owned()),
            }
        };
        let outcome = tokio::select! {
            confirmed = timeout_at(deadline, within) => {
                confirmed.unwrap_or_else(|_| Err("the broker did not confirm in time".to_owned()))
            }
            reason = link.is_blocked() => Err(format!("the broker takes nothing at present: {reason}")),
        };
        if let Err(reason) = &outcome {
            // Late confirms and returns of this batch must not meet the next one.
            *lane = None;
            link.condemn(reason);
        }
        outcome
    }

    /// Publishes in order and waits for every confirm.
    async fn confirmed(&self, channel: &Channel, batch: &[(&Envelope, &Message)]) -> Result<Vec<Published>, String> {
        let mut writing = Vec::with_capacity(batch.len());
        for (envelope, message) in batch {
            let mandatory = self.has_subscriber(envelope);
            // The first poll takes a place in the order; the rest only waits for the socket.
            let mut write: Writing<'_> = Box::pin(publish_one(channel, self.shared.names.events(), message, mandatory));
            writing.push(match poll!(&mut write) {
                Poll::Ready(written) => Err(written),
                Poll::Pending => Ok(write),
            });
        }
        let mut confirms = Vec::with_capacity(batch.len());
        for write in writing {
            let written = match write {
                Ok(write) => write.await,
                Err(written) => written,
            };
            confirms.push(written.map_err(|error| error.to_string())?);
        }
        failpoint::pass(Point::BeforeConfirm);
        // The library attaches a return to whichever confirm comes next, so all are gathered before any is judged.
        let (mut answers, mut returned) = (Vec::with_capacity(batch.len()), HashSet::new());
        for confirm in confirms {
            let confirmation = confirm.await.map_err(|error| error.to_string())?;
            answers.push(match confirmation {
                Confirmation::Ack(_) => Published::Accepted,
                Confirmation::Nack(_) => Published::Rejected("the broker did not take it; is a queue full?".to_owned()),
                Confirmation::NotRequested => return Err("the channel does not confirm".to_owned()),
            });
            if let Some(message) = confirmation.take_message() {
                returned
                    .insert(message.properties.message_id().as_ref().map(ShortString::to_string).unwrap_or_default());
            }
        }
        let judge = |((envelope, _), answer): (&(&Envelope, &Message), Published)| {
            let unroutable = returned.contains(&envelope.id.to_string()) && self.has_subscriber(envelope);
            if unroutable { Published::NoRoute } else { answer }
        };
        Ok(batch.iter().zip(answers).map(judge).collect())
    }

    /// Whether a domain that was not forgotten hears the event.
    fn has_subscriber(&self, envelope: &Envelope) -> bool {
        let forgotten = self.shared.forgotten();
        topology::consumers_of(envelope.domain(), envelope.aggregate()).any(|consumer| !forgotten.contains(consumer))
    }

    fn lane(&self, domain: &str) -> Arc<AsyncMutex<Option<Lane>>> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(lanes.entry(domain.to_owned()).or_default())
    }
}

impl Lane {
    async fn open(link: Arc<Link>) -> Result<Self, String> {
        let channel = link.channel().await.map_err(|trouble| trouble.text)?;
        let confirming = channel.confirm_select(ConfirmSelectOptions::default());
        link.within(confirming).await.map_err(|trouble| trouble.text)?;
        Ok(Self { link, channel })
    }

    fn serves(&self, link: &Arc<Link>) -> bool {
        Arc::ptr_eq(&self.link, link) && self.channel.status().connected()
    }
}

async fn publish_one(
    channel: &Channel,
    exchange: ShortString,
    message: &Message,
    mandatory: bool,
) -> lapin::Result<PublisherConfirm> {
    // What nobody hears need not come back.
    let options = BasicPublishOptions { mandatory, ..BasicPublishOptions::default() };
    let (key, properties) = (message.routing_key.clone(), message.properties.clone());
    channel.basic_publish(exchange, key, options, &message.body, properties).await
}
