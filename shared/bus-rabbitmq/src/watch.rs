//! Whether the queues are there and move. Rule: a queue that vanished is known within half a minute, and a consumer that
//! the broker forgot is reopened; neither waits for an event to be missed.

use crate::consume::{Consumer, Pulse};
use crate::declare::{is_forgotten, look_at};
use crate::link::{Link, Trouble};
use crate::rabbitmq::Shared;
use contracts::topology::HEARS;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// With other consumers attached, this one may rightly get nothing: it waits so many times as long.
const PATIENCE_BESIDE_OTHERS: u32 = 5;

/// Since when a consumer has got nothing although its queue holds something.
#[derive(Default)]
struct Stall {
    delivered: u64,
    since: Option<Instant>,
}

/// Looks at every queue, again and again.
pub(crate) async fn watch(
    shared: Arc<Shared>,
    links: watch::Receiver<Option<Arc<Link>>>,
    consumers: Arc<Mutex<Vec<Consumer>>>,
) {
    let mut stalls: HashMap<&'static str, Stall> = HashMap::new();
    loop {
        sleep(shared.timing.check).await;
        let Some(link) = links.borrow().clone() else { continue };
        for line in HEARS {
            let pulse = {
                let consumers = consumers.lock().unwrap_or_else(PoisonError::into_inner);
                consumers.iter().find(|consumer| consumer.name == line.consumer).map(|found| Arc::clone(&found.pulse))
            };
            let looked =
                look(&shared, &link, line.consumer, pulse.as_deref(), stalls.entry(line.consumer).or_default());
            if let Err(trouble) = looked.await {
                tracing::warn!(consumer = line.consumer, trouble = trouble.text, "a queue could not be looked at");
                break;
            }
        }
    }
}

async fn look(
    shared: &Shared,
    link: &Link,
    consumer: &'static str,
    pulse: Option<&Pulse>,
    stall: &mut Stall,
) -> Result<(), Trouble> {
    let queue = shared.names.inbox(consumer);
    let Some(found) = look_at(link, &queue).await? else {
        let forgotten = is_forgotten(link, &shared.names, consumer).await?;
        shared.note_forgotten(consumer, forgotten);
        if forgotten {
            shared.health.fine(queue.as_str());
        } else {
            let lost = format!(
                "the queue {queue} is gone: events do not reach {consumer}; restart a process to make it again, then replay"
            );
            shared.health.trouble(queue.as_str(), &lost);
        }
        return Ok(());
    };
    shared.health.fine(queue.as_str());
    shared.note_forgotten(consumer, false);
    let Some(pulse) = pulse else { return Ok(()) };
    let (delivered, held) = pulse.read();
    if found.message_count() == 0 || held > 0 || delivered != stall.delivered {
        *stall = Stall { delivered, since: None };
        return Ok(());
    }
    let since = *stall.since.get_or_insert_with(Instant::now);
    let patience = shared.timing.stall * if found.consumer_count() > 1 { PATIENCE_BESIDE_OTHERS } else { 1 };
    if since.elapsed() >= patience {
        *stall = Stall { delivered, since: None };
        link.condemn(&format!("{queue} holds {} events and its consumer gets none", found.message_count()));
    }
    Ok(())
}
