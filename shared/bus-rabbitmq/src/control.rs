//! What domains ask each other, over the broker. Rule: best effort; a message is acknowledged once it was heard, whatever
//! came of it, and one that cannot be read is put aside in the log: whoever needs an answer asks again.

use crate::declare::declare_control;
use crate::link::{Link, Trouble};
use crate::pause::Pauses;
use crate::rabbitmq::Shared;
use bus::{Published, Steward};
use contracts::Control;
use futures_util::FutureExt;
use futures_util::stream::StreamExt;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
};
use lapin::types::{FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};

/// Messages that the broker hands out before the first is acknowledged.
const PREFETCH: u16 = 8;
/// What the messages are, at the broker.
const TYPE: &str = "cleave.control.v1";

/// Lends connections as they come and go.
type Links = watch::Receiver<Option<Arc<Link>>>;

/// Tells other domains something.
pub(crate) struct Mouth {
    shared: Arc<Shared>,
    links: Links,
    /// One message at a time: a return is told apart from the next message's by that.
    channel: Mutex<Option<(Arc<Link>, Channel)>>,
}

impl Mouth {
    pub(crate) fn new(shared: Arc<Shared>, links: Links) -> Self {
        Self { shared, links, channel: Mutex::default() }
    }

    /// See [`bus::EventBus::tell`].
    pub(crate) async fn tell(&self, to: &str, message: &Control, deadline: Duration) -> Published {
        let body = match message.to_bytes() {
            Ok(body) => body,
            Err(error) => return Published::Rejected(error.to_string()),
        };
        let told = timeout_at(Instant::now() + deadline, self.publish(to, &body)).await;
        told.unwrap_or_else(|_| Err("the broker did not confirm in time".to_owned())).unwrap_or_else(Published::Unknown)
    }

    async fn publish(&self, to: &str, body: &[u8]) -> Result<Published, String> {
        let link = self.links.borrow().clone().ok_or("there is no connection to the broker")?;
        if let Some(reason) = link.blocked() {
            return Err(format!("the broker takes nothing at present: {reason}"));
        }
        let mut kept = self.channel.lock().await;
        // Whatever ends this before the confirm has come takes the channel along.
        let channel = match kept.take() {
            Some((of, channel)) if Arc::ptr_eq(&of, &link) && channel.status().connected() => channel,
            _ => open(&link).await.map_err(|trouble| trouble.text)?,
        };
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let properties = BasicProperties::default()
            .with_delivery_mode(2)
            .with_content_type("application/json".into())
            .with_type(TYPE.into());
        let exchange = self.shared.names.control();
        let confirm = channel.basic_publish(exchange, to.into(), options, body, properties).await;
        let confirmation = confirm.map_err(|error| error.to_string())?.await.map_err(|error| error.to_string())?;
        let outcome = match &confirmation {
            Confirmation::Ack(None) => Published::Accepted,
            Confirmation::Ack(Some(_)) => Published::NoRoute,
            Confirmation::Nack(_) => Published::Rejected("the broker did not take it".to_owned()),
            Confirmation::NotRequested => return Err("the channel does not confirm".to_owned()),
        };
        *kept = Some((link, channel));
        Ok(outcome)
    }
}

async fn open(link: &Link) -> Result<Channel, Trouble> {
    let channel = link.channel().await?;
    link.within(channel.confirm_select(ConfirmSelectOptions::default())).await?;
    Ok(channel)
}

/// Hears for one domain what others tell it. Every replica does; each message goes to one of them.
pub(crate) struct Ear {
    pub domain: &'static str,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Ear {
    pub(crate) fn start(shared: &Arc<Shared>, links: &Links, domain: &'static str, steward: Arc<dyn Steward>) -> Self {
        let stop = watch::Sender::new(false);
        let hearing =
            Hearing { shared: Arc::clone(shared), domain, steward, queue: shared.names.control_queue(domain) };
        Self { domain, task: tokio::spawn(hearing.run(links.clone(), stop.subscribe())), stop }
    }

    /// Finishes the message that is being heard.
    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(domain = self.domain, %error, "hearing other domains did not end well");
        }
    }

    /// Drops it.
    pub(crate) fn abort(&self) {
        self.task.abort();
    }
}

struct Hearing {
    shared: Arc<Shared>,
    domain: &'static str,
    steward: Arc<dyn Steward>,
    queue: ShortString,
}

/// What comes next.
enum Turn {
    Stop,
    Alarm,
    Message(Option<Box<lapin::Result<Delivery>>>),
}

impl Hearing {
    async fn run(self, mut links: Links, mut stop: watch::Receiver<bool>) {
        let mut pauses = Pauses::new(self.shared.timing.reconnect);
        while !*stop.borrow() {
            let link = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                link = links.wait_for(Option::is_some) => match link {
                    Ok(link) => link.clone(),
                    Err(_) => return,
                },
            };
            let Some(link) = link else { continue };
            if let Err(trouble) = self.session(&link, &mut stop, &mut pauses).await {
                tracing::warn!(queue = %self.queue, trouble = trouble.text, "hearing other domains ended; it begins again");
                if trouble.reply == Some(404) {
                    let made = declare_control(&link, &self.shared.uri, &self.shared.names, self.domain).await;
                    tracing::warn!(queue = %self.queue, ?made, "a queue was deleted and is made again");
                }
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = sleep(pauses.next()) => {}
            }
        }
    }

    /// Hears until the consumer stops, which is no error, or is ended.
    async fn session(&self, link: &Link, stop: &mut watch::Receiver<bool>, pauses: &mut Pauses) -> Result<(), Trouble> {
        let channel = link.channel().await?;
        link.within(channel.basic_qos(PREFETCH, BasicQosOptions { global: false })).await?;
        let tag: ShortString = format!("{}-control-{}", self.domain, self.shared.boot_id).into();
        let consuming =
            channel.basic_consume(self.queue.clone(), tag, BasicConsumeOptions::default(), FieldTable::default());
        let mut stream = link.within(consuming).await?;
        let mut losses = self.shared.health.losses();
        // A connection that was lost may have been lost with more than itself.
        self.steward.alarm();
        let ended = loop {
            let turn = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => Turn::Stop,
                Ok(()) = losses.changed() => Turn::Alarm,
                next = stream.next() => Turn::Message(next.map(Box::new)),
            };
            match turn {
                Turn::Stop => break Ok(()),
                Turn::Alarm => self.steward.alarm(),
                Turn::Message(Some(message)) => {
                    let delivery = match *message {
                        Ok(delivery) => delivery,
                        Err(error) => break Err(Trouble::from(error)),
                    };
                    self.hear(&delivery).await;
                    // An acknowledgement that is lost brings the message again, which does no harm.
                    let acked = link.within(delivery.acker.ack(BasicAckOptions::default())).await;
                    tracing::trace!(queue = %self.queue, ?acked, "a message was heard");
                    pauses.reset();
                }
                Turn::Message(None) => break Err(Trouble { reply: Some(404), text: "the broker ended it".to_owned() }),
            }
        };
        let closed = link.within(channel.close(200, "not needed any more".into())).await;
        tracing::debug!(queue = %self.queue, ?closed, "hearing other domains ends");
        ended
    }

    async fn hear(&self, delivery: &Delivery) {
        match Control::from_bytes(&delivery.data) {
            Ok(message) => {
                if AssertUnwindSafe(self.steward.hear(message)).catch_unwind().await.is_err() {
                    tracing::error!(queue = %self.queue, "answering another domain panicked");
                }
            }
            // It may be of a newer release.
            Err(error) => tracing::warn!(queue = %self.queue, %error, "a message of another domain cannot be read"),
        }
    }
}
