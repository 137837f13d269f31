//! Whether the queues are there and move. Rule: a queue that vanished is known within half a minute, one that nobody
//! empties is named, and a consumer that the broker forgot is reopened; none of it waits for an event to be missed.

use crate::consume::{Consumer, Pulse};
use crate::declare::declare_control;
use crate::link::{Link, Trouble};
use crate::rabbitmq::Shared;
use crate::restore::{Found, look_after};
use contracts::topology::HEARS;
use lapin::Queue;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// With other consumers attached, this one may rightly get nothing: it waits so many times as long.
const PATIENCE_BESIDE_OTHERS: u32 = 5;

/// Since when a queue is not emptied.
#[derive(Default)]
struct Idle {
    /// Messages that the consumer of this process had got by then.
    delivered: u64,
    /// The queue holds something, and the consumer gets nothing.
    stalled: Option<Instant>,
    /// There is no consumer at all, in any process.
    abandoned: Option<Instant>,
}

/// Looks at every queue, again and again.
pub(crate) async fn watch(
    shared: Arc<Shared>,
    links: watch::Receiver<Option<Arc<Link>>>,
    consumers: Arc<Mutex<Vec<Consumer>>>,
) {
    let mut idle: HashMap<&'static str, Idle> = HashMap::new();
    loop {
        sleep(shared.timing.check).await;
        let Some(link) = links.borrow().clone() else { continue };
        for line in HEARS {
            let pulse = {
                let consumers = consumers.lock().unwrap_or_else(PoisonError::into_inner);
                consumers.iter().find(|consumer| consumer.name == line.consumer).map(|found| Arc::clone(&found.pulse))
            };
            let idle = idle.entry(line.consumer).or_default();
            if let Err(trouble) = look(&shared, &link, line.consumer, pulse.as_deref(), idle).await {
                tracing::warn!(consumer = line.consumer, trouble = trouble.text, "a queue could not be looked at");
                break;
            }
        }
        for line in HEARS.iter().filter(|line| !shared.mounted.contains(&line.consumer)) {
            shared.health.made_good(shared.names.inbox(line.consumer).as_str(), shared.timing.elsewhere);
        }
        let forgotten = shared.forgotten();
        for domain in shared.mounted.iter().filter(|domain| !forgotten.contains(*domain)) {
            let trouble = format!("control queue of {domain}");
            match declare_control(&link, &shared.uri, &shared.names, domain).await {
                Ok(()) => shared.health.fine(&trouble),
                Err(error) => drop(shared.health.trouble(&trouble, &error.to_string())),
            }
        }
    }
}

async fn look(
    shared: &Shared,
    link: &Link,
    consumer: &'static str,
    pulse: Option<&Pulse>,
    idle: &mut Idle,
) -> Result<(), Trouble> {
    let Found { inbox, .. } = look_after(shared, link, consumer).await?;
    let abandoned = format!("consumers of {consumer}");
    let Some(inbox) = inbox else {
        *idle = Idle::default();
        shared.health.fine(&abandoned);
        return Ok(());
    };
    if inbox.consumer_count() > 0 {
        idle.abandoned = None;
        shared.health.fine(&abandoned);
    } else if idle.abandoned.get_or_insert_with(Instant::now).elapsed() >= shared.timing.abandoned {
        let nobody = format!(
            "nobody takes events from {}, which holds {}: start a process that serves {consumer}, or forget it",
            inbox.name(),
            inbox.message_count()
        );
        shared.health.trouble(&abandoned, &nobody);
    }
    if let Some(pulse) = pulse {
        notice_a_stall(shared, link, &inbox, pulse, idle);
    }
    Ok(())
}

/// Gives the connection up when the broker has forgotten its consumer.
fn notice_a_stall(shared: &Shared, link: &Link, inbox: &Queue, pulse: &Pulse, idle: &mut Idle) {
    let (delivered, held) = pulse.read();
    if inbox.message_count() == 0 || held > 0 || delivered != idle.delivered {
        (idle.delivered, idle.stalled) = (delivered, None);
        return;
    }
    let since = *idle.stalled.get_or_insert_with(Instant::now);
    let patience = shared.timing.stall * if inbox.consumer_count() > 1 { PATIENCE_BESIDE_OTHERS } else { 1 };
    if since.elapsed() >= patience {
        (idle.delivered, idle.stalled) = (delivered, None);
        let (name, messages) = (inbox.name(), inbox.message_count());
        link.condemn(&format!("{name} holds {messages} events and its consumer gets none"));
    }
}
