//! A domain that will not come back. Rule: a sign is left before its queues go, so that no process makes them again and
//! none counts the domain as a subscriber; mounting the domain anywhere takes the sign away.

use crate::broker;
use crate::declare::{explain, look_at, mark_forgotten};
use crate::error::ConnectError;
use crate::link::{Link, Trouble};
use crate::names::{Names, domains};
use crate::options::Timing;
use lapin::options::QueueDeleteOptions;
use lapin::types::ShortString;
use lapin::uri::AMQPUri;

/// What was thrown away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forgotten {
    /// The queues that existed.
    pub queues: Vec<String>,
    /// The messages that were in them.
    pub messages: u32,
}

/// Deletes the queues of a domain, with what is in them. Doing it twice is doing it once.
///
/// # Errors
/// [`ConnectError`]; [`ConnectError::InUse`] while a process consumes for the domain.
pub async fn forget(url: &str, domain: &str) -> Result<Forgotten, ConnectError> {
    if !domains().contains(&domain) {
        return Err(ConnectError::UnknownDomain(domain.to_owned()));
    }
    let uri: AMQPUri = url.parse().map_err(ConnectError::Url)?;
    let (timing, names) = (Timing::default(), Names::default());
    broker::check(&uri, timing.connect).await?;
    let link = Link::open(&uri, "cleave forgets a domain", &timing).await?;
    let queues = [names.inbox(domain), names.dead_queue(domain), names.control_queue(domain)];
    for queue in &queues {
        let found = look_at(&link, queue).await.map_err(|trouble| failed(&uri, queue, trouble))?;
        let consumers = found.map_or(0, |found| found.consumer_count());
        if consumers > 0 {
            return Err(ConnectError::InUse { domain: domain.to_owned(), consumers });
        }
    }
    let marked = mark_forgotten(&link, &names, domain).await;
    marked.map_err(|trouble| explain(&uri, &format!("the exchange {}", names.forgotten(domain)), trouble))?;
    let mut forgotten = Forgotten { queues: Vec::new(), messages: 0 };
    for queue in &queues {
        if let Some(messages) = delete(&link, queue).await.map_err(|trouble| failed(&uri, queue, trouble))? {
            forgotten.queues.push(queue.to_string());
            forgotten.messages += messages;
        }
    }
    link.close().await;
    Ok(forgotten)
}

fn failed(uri: &AMQPUri, queue: &ShortString, trouble: Trouble) -> ConnectError {
    explain(uri, &format!("the queue {queue}"), trouble)
}

/// Deletes a queue; how many messages were in it, none where there was no queue.
async fn delete(link: &Link, queue: &ShortString) -> Result<Option<u32>, Trouble> {
    let Some(found) = look_at(link, queue).await? else { return Ok(None) };
    let channel = link.channel().await?;
    link.within(channel.queue_delete(queue.clone(), QueueDeleteOptions::default())).await?;
    Ok(Some(found.message_count()))
}
