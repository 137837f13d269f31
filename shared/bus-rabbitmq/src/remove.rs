//! The end of a system that was there for a test. Rule: only what bears the test's prefix is deleted, and deleting what
//! was never made is fine.

use crate::declare::explain;
use crate::error::ConnectError;
use crate::link::{Link, Trouble};
use crate::names::{Names, domains};
use crate::options::Timing;
use lapin::options::{ExchangeDeleteOptions, QueueDeleteOptions};
use lapin::uri::AMQPUri;

/// Deletes every queue and every exchange that systems with this prefix declare.
///
/// # Errors
/// [`ConnectError`], at the first object that the broker keeps.
pub async fn remove_everything(url: &str, prefix: &str) -> Result<(), ConnectError> {
    let uri: AMQPUri = url.parse().map_err(ConnectError::Url)?;
    let link = Link::open(&uri, "cleave removes a test", &Timing::default()).await?;
    let removed = remove(&link, &Names::new(Some(prefix))).await;
    link.close().await;
    removed.map_err(|trouble| explain(&uri, &format!("what is called {prefix}…"), trouble))
}

async fn remove(link: &Link, names: &Names) -> Result<(), Trouble> {
    let channel = link.channel().await?;
    for domain in domains() {
        for queue in [names.inbox(domain), names.dead_queue(domain), names.control_queue(domain)] {
            link.within(channel.queue_delete(queue, QueueDeleteOptions::default())).await?;
        }
        link.within(channel.exchange_delete(names.forgotten(domain), ExchangeDeleteOptions::default())).await?;
    }
    for exchange in [names.events(), names.dead(), names.control()] {
        link.within(channel.exchange_delete(exchange, ExchangeDeleteOptions::default())).await?;
    }
    Ok(())
}
