//! What stands at the broker. Rule: every process declares all of it, in an order in which nothing that is dead-lettered
//! or published finds a gap; what exists with other arguments is left as it is, and the process does not start.

use crate::broker::address;
use crate::error::ConnectError;
use crate::link::{Link, Trouble};
use crate::names::{Names, domains};
use contracts::topology::{HEARS, Hears};
use lapin::options::{ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::uri::AMQPUri;
use lapin::{Channel, ExchangeKind, Queue};
use std::collections::BTreeSet;

/// Returns to a queue after which an event is dead-lettered: far more than a crash-looping consumer reaches before
/// somebody looks, and explicit, because 4.0 would give up after 20.
const DELIVERIES: i32 = 1_000;
/// The same for what is dead already, which 4.0 would drop.
const DEAD_DELIVERIES: i32 = 1_000_000;
/// How long a question between domains is worth an answer, in milliseconds.
const CONTROL_TTL: i32 = 600_000;

/// Whether domains of this process that were forgotten come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forgotten {
    /// At start: mounting a domain is wanting it.
    Revive,
    /// After a lost connection: whoever forgot it did so since the start.
    Keep,
}

/// What was found when everything was declared.
pub(crate) struct Declared {
    /// The domains that were forgotten and have no queues.
    pub forgotten: BTreeSet<&'static str>,
    /// Queues that had been there and were not any more.
    pub lost: Vec<ShortString>,
}

/// Declares everything. `expected` are the consumers whose queues this process has seen before.
///
/// # Errors
/// [`ConnectError`], at the first object that the broker refuses.
pub(crate) async fn declare(
    link: &Link,
    uri: &AMQPUri,
    names: &Names,
    mounted: &[&'static str],
    forgotten: Forgotten,
    expected: &BTreeSet<&'static str>,
) -> Result<Declared, ConnectError> {
    let (mut gone, mut back) = (BTreeSet::new(), BTreeSet::new());
    for domain in domains() {
        let asked = is_forgotten(link, names, domain).await;
        if asked.map_err(|trouble| explain(uri, &sign(names, domain), trouble))? {
            let revived = forgotten == Forgotten::Revive && mounted.contains(&domain);
            if revived {
                back.insert(domain);
            } else {
                gone.insert(domain);
            }
        }
    }
    let mut lost = Vec::new();
    for line in HEARS.iter().filter(|line| !gone.contains(line.consumer) && !back.contains(line.consumer)) {
        let found = missing(link, names, line.consumer, expected.contains(line.consumer)).await;
        lost.extend(found.map_err(|trouble| explain(uri, "the queues", trouble))?);
    }
    let channel = link.channel().await.map_err(|trouble| explain(uri, "a channel", trouble))?;
    let broker = Declaring { link, uri, names, channel };
    broker.exchange(names.events(), ExchangeKind::Topic).await?;
    broker.exchange(names.dead(), ExchangeKind::Direct).await?;
    broker.exchange(names.control(), ExchangeKind::Direct).await?;
    let hears = || HEARS.iter().filter(|line| !gone.contains(line.consumer));
    for line in hears() {
        broker.dead_queue(line).await?;
    }
    for line in hears() {
        broker.inbox(line).await?;
    }
    for line in hears() {
        broker.streams(line).await?;
    }
    for domain in domains().into_iter().filter(|domain| !gone.contains(domain)) {
        let queue = names.control_queue(domain);
        broker.queue(queue.clone(), control_arguments()).await?;
        broker.bind(queue, names.control(), domain.to_owned()).await?;
    }
    // The sign goes last: as long as it stands, nobody takes the queues that are missing for deleted ones.
    for domain in back {
        let deleted = broker.channel.exchange_delete(names.forgotten(domain), ExchangeDeleteOptions::default());
        link.within(deleted).await.map_err(|trouble| explain(uri, &sign(names, domain), trouble))?;
        tracing::info!(domain, "a domain that was forgotten at the broker is back");
    }
    Ok(Declared { forgotten: gone, lost })
}

/// Makes the queues of one consumer again.
///
/// # Errors
/// [`ConnectError`], at the first object that the broker refuses.
pub(crate) async fn declare_consumer(
    link: &Link,
    uri: &AMQPUri,
    names: &Names,
    consumer: &str,
) -> Result<(), ConnectError> {
    let channel = link.channel().await.map_err(|trouble| explain(uri, "a channel", trouble))?;
    let broker = Declaring { link, uri, names, channel };
    for line in HEARS.iter().filter(|line| line.consumer == consumer) {
        broker.dead_queue(line).await?;
        broker.inbox(line).await?;
        broker.streams(line).await?;
    }
    Ok(())
}

/// Binds again what a consumer hears. Nothing tells that a binding is gone: events pass the queue and are confirmed,
/// because they reach another. So it is done without asking, and costs as much as asking.
///
/// # Errors
/// As for [`declare_consumer`].
pub(crate) async fn bind_consumer(
    link: &Link,
    uri: &AMQPUri,
    names: &Names,
    consumer: &str,
) -> Result<(), ConnectError> {
    let channel = link.channel().await.map_err(|trouble| explain(uri, "a channel", trouble))?;
    let broker = Declaring { link, uri, names, channel };
    broker.exchange(names.events(), ExchangeKind::Topic).await?;
    broker.exchange(names.dead(), ExchangeKind::Direct).await?;
    broker.bind(names.dead_queue(consumer), names.dead(), consumer.to_owned()).await?;
    for line in HEARS.iter().filter(|line| line.consumer == consumer) {
        broker.streams(line).await?;
    }
    Ok(())
}

/// Makes the queue again that a domain is asked on.
///
/// # Errors
/// As for [`declare_consumer`].
pub(crate) async fn declare_control(
    link: &Link,
    uri: &AMQPUri,
    names: &Names,
    domain: &str,
) -> Result<(), ConnectError> {
    let channel = link.channel().await.map_err(|trouble| explain(uri, "a channel", trouble))?;
    let broker = Declaring { link, uri, names, channel };
    broker.exchange(names.control(), ExchangeKind::Direct).await?;
    let queue = names.control_queue(domain);
    broker.queue(queue.clone(), control_arguments()).await?;
    broker.bind(queue, names.control(), domain.to_owned()).await
}

/// The queues of a consumer that were deleted. Where this process has not seen them before, the control queue tells:
/// it is the last that is made, so it does not stand without the others unless somebody took them away.
async fn missing(link: &Link, names: &Names, consumer: &str, expected: bool) -> Result<Vec<ShortString>, Trouble> {
    let mut missing = Vec::new();
    if !expected && look_at(link, &names.control_queue(consumer)).await?.is_none() {
        return Ok(missing);
    }
    for queue in [names.inbox(consumer), names.dead_queue(consumer)] {
        if look_at(link, &queue).await?.is_none() {
            missing.push(queue);
        }
    }
    Ok(missing)
}

fn sign(names: &Names, domain: &str) -> String {
    format!("the exchange {}", names.forgotten(domain))
}

/// Whether somebody said that a domain will not come back.
///
/// # Errors
/// When the broker does not say.
pub(crate) async fn is_forgotten(link: &Link, names: &Names, domain: &str) -> Result<bool, Trouble> {
    let channel = link.channel().await?;
    let passive = ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() };
    let asked = channel.exchange_declare(names.forgotten(domain), ExchangeKind::Fanout, passive, FieldTable::default());
    Ok(present(link.within(asked).await)?.is_some())
}

/// Leaves the sign that a domain will not come back.
///
/// # Errors
/// When the broker refuses.
pub(crate) async fn mark_forgotten(link: &Link, names: &Names, domain: &str) -> Result<(), Trouble> {
    let channel = link.channel().await?;
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    let marked =
        channel.exchange_declare(names.forgotten(domain), ExchangeKind::Fanout, durable, FieldTable::default());
    link.within(marked).await
}

/// Looks at a queue; none where there is no such queue. On a channel of its own, because a "no" closes the channel.
///
/// # Errors
/// When the broker does not say.
pub(crate) async fn look_at(link: &Link, queue: &ShortString) -> Result<Option<Queue>, Trouble> {
    let channel = link.channel().await?;
    let passive = QueueDeclareOptions::default().passive();
    present(link.within(channel.queue_declare(queue.clone(), passive, FieldTable::default())).await)
}

/// What a broker says of an object that is only asked for.
fn present<T>(asked: Result<T, Trouble>) -> Result<Option<T>, Trouble> {
    match asked {
        Ok(found) => Ok(Some(found)),
        Err(Trouble { reply: Some(404), .. }) => Ok(None),
        Err(trouble) => Err(trouble),
    }
}

/// A broker's refusal, in the words of an operator.
pub(crate) fn explain(uri: &AMQPUri, object: &str, trouble: Trouble) -> ConnectError {
    let object = object.to_owned();
    match trouble.reply {
        Some(403) => ConnectError::Denied { object, reply: trouble.text },
        Some(406) => ConnectError::Differs { object, reply: trouble.text },
        _ => ConnectError::Failed { broker: address(uri), object, reason: trouble.text },
    }
}

struct Declaring<'a> {
    link: &'a Link,
    uri: &'a AMQPUri,
    names: &'a Names,
    channel: Channel,
}

impl Declaring<'_> {
    async fn dead_queue(&self, line: &Hears) -> Result<(), ConnectError> {
        let queue = self.names.dead_queue(line.consumer);
        self.queue(queue.clone(), dead_arguments()).await?;
        self.bind(queue, self.names.dead(), line.consumer.to_owned()).await
    }

    async fn inbox(&self, line: &Hears) -> Result<(), ConnectError> {
        self.queue(self.names.inbox(line.consumer), inbox_arguments(self.names, line.consumer)).await
    }

    async fn streams(&self, line: &Hears) -> Result<(), ConnectError> {
        for stream in line.streams {
            let key = format!("{}.{}.#", stream.domain, stream.aggregate);
            self.bind(self.names.inbox(line.consumer), self.names.events(), key).await?;
        }
        Ok(())
    }

    async fn exchange(&self, name: ShortString, kind: ExchangeKind) -> Result<(), ConnectError> {
        let object = format!("the exchange {name}");
        let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        let declared = self.channel.exchange_declare(name, kind, durable, FieldTable::default());
        self.link.within(declared).await.map_err(|trouble| explain(self.uri, &object, trouble))
    }

    async fn queue(&self, name: ShortString, arguments: FieldTable) -> Result<(), ConnectError> {
        let object = format!("the queue {name}");
        let declared = self.channel.queue_declare(name, QueueDeclareOptions::durable(), arguments);
        let declared = self.link.within(declared).await;
        declared.map(drop).map_err(|trouble| explain(self.uri, &object, trouble))
    }

    async fn bind(&self, queue: ShortString, exchange: ShortString, key: String) -> Result<(), ConnectError> {
        let object = format!("the binding of {queue} to {exchange} by {key}");
        let options = QueueBindOptions::default();
        let bound = self.channel.queue_bind(queue, exchange, key.into(), options, FieldTable::default());
        self.link.within(bound).await.map_err(|trouble| explain(self.uri, &object, trouble))
    }
}

fn inbox_arguments(names: &Names, consumer: &str) -> FieldTable {
    let mut arguments = quorum(DELIVERIES);
    arguments.insert("x-single-active-consumer".into(), AMQPValue::Boolean(true));
    arguments.insert("x-overflow".into(), text("reject-publish"));
    arguments.insert("x-dead-letter-exchange".into(), text(names.dead().as_str()));
    arguments.insert("x-dead-letter-routing-key".into(), text(consumer));
    arguments.insert("x-dead-letter-strategy".into(), text("at-least-once"));
    arguments
}

fn dead_arguments() -> FieldTable {
    let mut arguments = quorum(DEAD_DELIVERIES);
    arguments.insert("x-overflow".into(), text("reject-publish"));
    arguments
}

fn control_arguments() -> FieldTable {
    let mut arguments = quorum(DELIVERIES);
    arguments.insert("x-message-ttl".into(), AMQPValue::LongInt(CONTROL_TTL));
    arguments
}

/// Replicated and synced before it confirms, also on a single node.
fn quorum(deliveries: i32) -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    arguments.insert("x-delivery-limit".into(), AMQPValue::LongInt(deliveries));
    arguments
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}
