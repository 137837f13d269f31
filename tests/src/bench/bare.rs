//! What the broker takes from a client that does nothing else: durable messages into a quorum queue, confirms awaited in batches.
//! Rule: as many bytes as an event has, and as many at once as the relay offers; the message has no headers and no routing.

use super::backlog::message;
use futures_util::future::try_join_all;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use std::time::Instant;

/// Messages whose confirms are awaited together.
const BATCH: u64 = 256;
const QUEUE: &str = "bench-bare";
/// Survives a restart of the broker.
const PERSISTENT: u8 = 2;

/// Messages a second.
///
/// # Panics
/// When the broker refuses.
pub async fn rate(url: &str, count: u64) -> f64 {
    measured(url, count).await.unwrap_or_else(|error| panic!("the broker: {error}"))
}

async fn measured(url: &str, count: u64) -> lapin::Result<f64> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(QUEUE.into(), durable, arguments).await?;
    let body = message();
    let started = Instant::now();
    for from in (0..count).step_by(usize::try_from(BATCH).unwrap_or(1)) {
        publish(&channel, &body, BATCH.min(count - from)).await?;
    }
    let rate = count as f64 / started.elapsed().as_secs_f64();
    channel.queue_delete(QUEUE.into(), QueueDeleteOptions::default()).await?;
    connection.close(200, "done".into()).await?;
    Ok(rate)
}

async fn publish(channel: &Channel, body: &[u8], count: u64) -> lapin::Result<()> {
    let one = || {
        let properties = BasicProperties::default().with_delivery_mode(PERSISTENT);
        channel.basic_publish("".into(), QUEUE.into(), BasicPublishOptions::default(), body, properties)
    };
    let confirms = try_join_all((0..count).map(|_| one())).await?;
    try_join_all(confirms).await.map(drop)
}
