//! Somebody who meddles with the broker behind everybody's back, for tests. Rule: it can do what any client with the
//! password can do, and nothing of what it does is told to the system.

use crate::declare::explain;
use crate::error::ConnectError;
use crate::link::{Link, Trouble};
use crate::names::Names;
use crate::options::Timing;
use contracts::topology::HEARS;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, QueueBindOptions, QueueDeclareOptions,
    QueueDeleteOptions,
};
use lapin::types::{FieldTable, ShortString};
use lapin::uri::AMQPUri;
use lapin::{BasicProperties, Channel};

/// A client between the exchange and one consumer's queue.
pub struct Meddler {
    channel: Channel,
    names: Names,
    consumer: &'static str,
    link: Link,
}

/// A message that was taken from its way.
#[derive(Debug, Clone)]
pub struct Loot {
    /// The event.
    pub event: String,
    properties: BasicProperties,
    body: Vec<u8>,
}

impl Meddler {
    /// Connects, and from now on gets a copy of what `consumer` hears.
    ///
    /// # Errors
    /// [`ConnectError`], when there is no broker.
    pub async fn between(url: &str, consumer: &'static str) -> Result<Self, ConnectError> {
        let uri: AMQPUri = url.parse().map_err(ConnectError::Url)?;
        let link = Link::open(&uri, "somebody who meddles", &Timing::default()).await?;
        let failed = |trouble: Trouble| explain(&uri, "the meddler's own queue", trouble);
        let channel = link.channel().await.map_err(failed)?;
        link.within(channel.confirm_select(ConfirmSelectOptions::default())).await.map_err(failed)?;
        let meddler = Self { channel, names: Names::new(None), consumer, link };
        let own = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        let declared = meddler.channel.queue_declare(meddler.own(), own, FieldTable::default());
        meddler.link.within(declared).await.map_err(failed)?;
        for key in meddler.keys() {
            let bound = meddler.channel.queue_bind(
                meddler.own(),
                meddler.names.events(),
                key,
                QueueBindOptions::default(),
                FieldTable::default(),
            );
            meddler.link.within(bound).await.map_err(failed)?;
        }
        Ok(meddler)
    }

    /// Removes the bindings of the consumer's queue: what it hears passes it.
    ///
    /// # Errors
    /// What the broker says.
    pub async fn unbind(&self) -> Result<(), String> {
        for key in self.keys() {
            let queue = self.names.inbox(self.consumer);
            let unbound = self.channel.queue_unbind(queue, self.names.events(), key, FieldTable::default());
            self.link.within(unbound).await.map_err(|trouble| trouble.text)?;
        }
        Ok(())
    }

    /// Takes all that is on its way.
    ///
    /// # Errors
    /// What the broker says.
    pub async fn take(&self) -> Result<Vec<Loot>, String> {
        let mut taken = Vec::new();
        loop {
            let got = self.link.within(self.channel.basic_get(self.own(), BasicGetOptions::default())).await;
            let Some(message) = got.map_err(|trouble| trouble.text)? else { return Ok(taken) };
            let acked = self.link.within(message.delivery.acker.ack(BasicAckOptions::default())).await;
            acked.map_err(|trouble| trouble.text)?;
            let Delivery { properties, data, .. } = message.delivery;
            let event = properties.message_id().as_ref().map(ShortString::to_string).unwrap_or_default();
            taken.push(Loot { event, properties, body: data });
        }
    }

    /// Puts messages into the consumer's queue, past the exchange.
    ///
    /// # Errors
    /// What the broker says.
    pub async fn put(&self, loot: &[Loot]) -> Result<(), String> {
        for Loot { properties, body, .. } in loot {
            let (queue, options) = (self.names.inbox(self.consumer), BasicPublishOptions::default());
            let put = self.channel.basic_publish("".into(), queue, options, body, properties.clone());
            let confirm = self.link.within(put).await.map_err(|trouble| trouble.text)?;
            confirm.await.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Goes away, with all that it has not given back.
    ///
    /// # Errors
    /// What the broker says.
    pub async fn leave(self) -> Result<(), String> {
        let deleted = self.channel.queue_delete(self.own(), QueueDeleteOptions::default());
        self.link.within(deleted).await.map_err(|trouble| trouble.text)?;
        self.link.close().await;
        Ok(())
    }

    fn own(&self) -> ShortString {
        format!("meddler.{}", self.consumer).into()
    }

    fn keys(&self) -> impl Iterator<Item = ShortString> + use<> {
        let lines = HEARS.iter().filter(|line| line.consumer == self.consumer).collect::<Vec<_>>();
        lines.into_iter().flat_map(|line| {
            line.streams.iter().map(|stream| format!("{}.{}.#", stream.domain, stream.aggregate).into())
        })
    }
}
