//! What the broker moves for clients that do nothing else, for comparison: an event as it is published here, through a topic
//! exchange into a quorum queue, confirms awaited in batches, and out of it again, those that came together acknowledged
//! together. Rule: as many at once as the relay offers and as a consumer is handed; nobody looks into what comes.

use crate::message::{Message, encode};
use contracts::Envelope;
use futures_util::StreamExt;
use futures_util::future::{try_join, try_join_all};
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
    ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, ConnectionProperties, ExchangeKind};
use std::time::{Duration, Instant};

/// Messages whose confirms are awaited together, and those that are acknowledged together.
const BATCH: u16 = 256;
/// Of the exchange and the queue.
const NAME: &str = "bare";

/// Publishes an event so often, and takes it out of the queue as often at the same time; how long both took.
///
/// # Errors
/// What the broker said.
pub async fn pass_bare(url: &str, event: &Envelope, count: u64) -> Result<Duration, String> {
    match pass_all(url, &encode(event)?, count).await {
        Ok((took, 0)) => Ok(took),
        Ok((_, left)) => Err(format!("{left} messages did not come out again")),
        Err(error) => Err(error.to_string()),
    }
}

async fn pass_all(url: &str, event: &Message, count: u64) -> lapin::Result<(Duration, u64)> {
    let connect = || Connection::connect(url, ConnectionProperties::default());
    let (from, to) = try_join(connect(), connect()).await?;
    let (publishing, taking) = try_join(from.create_channel(), to.create_channel()).await?;
    publishing.confirm_select(ConfirmSelectOptions::default()).await?;
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    publishing.queue_declare(NAME.into(), durable, arguments).await?;
    let (topic, durable) =
        (ExchangeKind::Topic, ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() });
    publishing.exchange_declare(NAME.into(), topic, durable, FieldTable::default()).await?;
    let (options, arguments) = (QueueBindOptions::default(), FieldTable::default());
    publishing.queue_bind(NAME.into(), NAME.into(), "#".into(), options, arguments).await?;
    let started = Instant::now();
    let ((), left) = try_join(publish(&publishing, event, count), take(&taking, count)).await?;
    let took = started.elapsed();
    publishing.queue_delete(NAME.into(), QueueDeleteOptions::default()).await?;
    // All is measured; how they part is of no matter.
    for connection in [from, to] {
        drop(connection.close(200, "done".into()).await);
    }
    Ok((took, left))
}

async fn publish(channel: &Channel, event: &Message, mut left: u64) -> lapin::Result<()> {
    while left > 0 {
        let batch = left.min(BATCH.into());
        publish_batch(channel, event, batch).await?;
        left -= batch;
    }
    Ok(())
}

async fn publish_batch(channel: &Channel, event: &Message, count: u64) -> lapin::Result<()> {
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let one = || {
        let (key, properties) = (event.routing_key.clone(), event.properties.clone());
        channel.basic_publish(NAME.into(), key, options, &event.body, properties)
    };
    let confirms = try_join_all((0..count).map(|_| one())).await?;
    try_join_all(confirms).await.map(drop)
}

/// How many did not come.
async fn take(channel: &Channel, mut left: u64) -> lapin::Result<u64> {
    channel.basic_qos(BATCH, BasicQosOptions { global: false }).await?;
    let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
    let stream = channel.basic_consume(NAME.into(), "bare".into(), options, arguments).await?;
    let mut come = stream.ready_chunks(BATCH.into());
    while left > 0 {
        let Some(batch) = come.next().await else { break };
        let batch: Vec<Delivery> = batch.into_iter().collect::<lapin::Result<_>>()?;
        if let Some(last) = batch.last() {
            last.ack(BasicAckOptions { multiple: true }).await?;
        }
        left = left.saturating_sub(batch.len() as u64);
    }
    Ok(left)
}
