//! What the broker takes from a client that does nothing else, for comparison: durable messages into a quorum queue, confirms
//! awaited in batches. Rule: as many at once as the relay offers; the message has no headers and no routing.

use futures_util::future::try_join_all;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use std::time::{Duration, Instant};

/// Messages whose confirms are awaited together.
const BATCH: u64 = 256;
const QUEUE: &str = "bare";
/// Survives a restart of the broker.
const PERSISTENT: u8 = 2;

/// Publishes `body` so often; how long that took.
///
/// # Errors
/// What the broker said.
pub async fn publish_bare(url: &str, body: &[u8], count: u64) -> Result<Duration, String> {
    publish_all(url, body, count).await.map_err(|error| error.to_string())
}

async fn publish_all(url: &str, body: &[u8], count: u64) -> lapin::Result<Duration> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(QUEUE.into(), durable, arguments).await?;
    let started = Instant::now();
    let mut left = count;
    while left > 0 {
        let batch = left.min(BATCH);
        publish_batch(&channel, body, batch).await?;
        left -= batch;
    }
    let took = started.elapsed();
    channel.queue_delete(QUEUE.into(), QueueDeleteOptions::default()).await?;
    connection.close(200, "done".into()).await?;
    Ok(took)
}

async fn publish_batch(channel: &Channel, body: &[u8], count: u64) -> lapin::Result<()> {
    let one = || {
        let properties = BasicProperties::default().with_delivery_mode(PERSISTENT);
        channel.basic_publish("".into(), QUEUE.into(), BasicPublishOptions::default(), body, properties)
    };
    let confirms = try_join_all((0..count).map(|_| one())).await?;
    try_join_all(confirms).await.map(drop)
}
