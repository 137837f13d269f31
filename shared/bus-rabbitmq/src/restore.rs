//! Queues that were deleted, and bindings that were removed. Rule: they are made again as soon as that is noticed, because
//! until then events go past their consumer; and of a queue it is said until nothing is missing any more, because making it
//! again brings nothing back.

use crate::declare::{bind_consumer, declare_consumer, is_forgotten, look_at};
use crate::link::{Link, Trouble};
use crate::rabbitmq::Shared;
use lapin::Queue;
use lapin::types::ShortString;

/// How a consumer's queues were found.
pub(crate) struct Found {
    /// What it hears, unless that had to be made again.
    pub inbox: Option<Queue>,
    /// Somebody said that it will not come back: nothing is missing.
    pub forgotten: bool,
}

/// Looks at the queues of a consumer and makes again what was deleted.
///
/// # Errors
/// When the broker does not say how they are.
pub(crate) async fn look_after(shared: &Shared, link: &Link, consumer: &'static str) -> Result<Found, Trouble> {
    let queues = [shared.names.inbox(consumer), shared.names.dead_queue(consumer)];
    let [inbox, dead] = &queues;
    let (inbox, dead) = (look_at(link, inbox).await?, look_at(link, dead).await?);
    let here = [inbox.is_some(), dead.is_some()];
    let trouble = format!("queues of {consumer}");
    if here == [true, true] {
        shared.note_forgotten(consumer, false);
        match bind_consumer(link, &shared.uri, &shared.names, consumer).await {
            Ok(()) => shared.health.fine(&trouble),
            Err(error) => drop(shared.health.trouble(&trouble, &format!("{consumer} cannot be bound: {error}"))),
        }
        return Ok(Found { inbox, forgotten: false });
    }
    let forgotten = is_forgotten(link, &shared.names, consumer).await?;
    shared.note_forgotten(consumer, forgotten);
    if forgotten {
        shared.health.fine(&trouble);
        queues.iter().for_each(|queue| shared.health.not_missed(queue.as_str()));
        return Ok(Found { inbox, forgotten });
    }
    let gone: Vec<&ShortString> = queues.iter().zip(here).filter(|(_, here)| !here).map(|(queue, _)| queue).collect();
    let news = match declare_consumer(link, &shared.uri, &shared.names, consumer).await {
        Ok(()) => {
            shared.health.fine(&trouble);
            true
        }
        Err(error) => {
            let names = gone.iter().map(|queue| queue.as_str()).collect::<Vec<_>>().join(", ");
            shared.health.trouble(&trouble, &format!("{names} was deleted and cannot be made again: {error}"))
        }
    };
    if news {
        gone.iter().for_each(|queue| shared.health.lost(queue.as_str(), "it is not there"));
    }
    Ok(Found { inbox, forgotten })
}
