//! From a queue to an inbox. Rule: a message is acknowledged on the channel that brought it, and only after the inbox has made
//! its fate durable; an inbox in trouble holds its message and is asked again.

mod item;
mod unsettled;
mod waiting;
mod work;

use crate::link::{Link, Trouble};
use crate::pause::Pauses;
use crate::rabbitmq::Shared;
use crate::restore::look_after;
use crate::supervise::message;
use bus::{Deliver, Subscription};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use item::{Item, Key, Kind};
use lapin::Consumer as Stream;
use lapin::message::Delivery;
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::{FieldTable, ShortString};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use unsettled::Unsettled;
use waiting::Waiting;

/// Messages that the broker hands out before the first is acknowledged: what an inbox takes together, and what it keeps of the
/// unreadable at once.
const PREFETCH: (u16, u16) = (256, 32);

/// A consumer at work.
pub(crate) struct Consumer {
    pub name: &'static str,
    pub pulse: Arc<Pulse>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

/// Whether anything moves.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    /// Messages so far.
    delivered: AtomicU64,
    /// Those that were settled.
    settled: AtomicU64,
    /// Those that are not settled.
    held: AtomicUsize,
}

impl Pulse {
    /// Messages so far, and how many of them are not settled yet.
    pub(crate) fn read(&self) -> (u64, usize) {
        (self.delivered.load(Ordering::Acquire), self.held.load(Ordering::Acquire))
    }

    fn settled(&self) -> u64 {
        self.settled.load(Ordering::Acquire)
    }
}

impl Consumer {
    /// Begins to take what is in the consumer's two queues.
    pub(crate) fn start(
        shared: &Arc<Shared>,
        links: &watch::Receiver<Option<Arc<Link>>>,
        subscription: Subscription,
    ) -> Self {
        let name = subscription.consumer;
        let (stop, pulse) = (watch::Sender::new(false), Arc::new(Pulse::default()));
        let queues = [(shared.names.inbox(name), Kind::Inbox), (shared.names.dead_queue(name), Kind::Dead)];
        let run = |(queue, kind)| {
            let intake = Intake {
                shared: Arc::clone(shared),
                consumer: name,
                inbox: Arc::clone(&subscription.inbox),
                queue,
                kind,
                pulse: if kind == Kind::Inbox { Arc::clone(&pulse) } else { Arc::default() },
            };
            tokio::spawn(intake.run(links.clone(), stop.subscribe()))
        };
        Self { name, tasks: queues.map(run).into(), pulse, stop }
    }

    /// Finishes what is under way and takes nothing more.
    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(consumer = self.name, %error, "a consumer did not end well");
            }
        }
    }

    /// Drops what is under way.
    pub(crate) fn abort(&self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Takes messages out of one queue.
struct Intake {
    shared: Arc<Shared>,
    consumer: &'static str,
    inbox: Arc<dyn Deliver>,
    queue: ShortString,
    kind: Kind,
    pulse: Arc<Pulse>,
}

/// A message, and what it turned out to be.
type Message = (Item, Delivery);
/// Work under way.
type Working<'a> = BoxFuture<'a, Ended>;

/// How the work on a message, or on several, ended.
enum Ended {
    /// One of that aggregate.
    Settled(Option<Key>),
    /// Several: what the inbox took, and what it could not.
    Together { taken: Vec<Message>, refused: Vec<(Key, Message)> },
    /// The consumer stops, or the channel is gone: the message goes back to the queue.
    Returned,
    /// The inbox could not take it for too long.
    GaveUp(String),
}

/// Why a session ended.
#[derive(Debug, PartialEq, Eq)]
enum Over {
    Stopped,
    Broken(String),
    /// The broker ended the consumer and nothing else: its queue was deleted.
    Cancelled,
}

impl Intake {
    async fn run(self, mut links: watch::Receiver<Option<Arc<Link>>>, mut stop: watch::Receiver<bool>) {
        let mut pauses = Pauses::new(self.shared.timing.reconnect);
        while !*stop.borrow() {
            let link = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                link = links.wait_for(Option::is_some) => match link {
                    Ok(link) => link.clone(),
                    Err(_) => break,
                },
            };
            let Some(link) = link else { continue };
            let before = self.pulse.settled();
            let session = AssertUnwindSafe(self.session(&link, &mut stop)).catch_unwind().await;
            match session.unwrap_or_else(|panic| Over::Broken(format!("it panicked: {}", message(panic.as_ref())))) {
                Over::Stopped => break,
                Over::Broken(reason) => {
                    tracing::warn!(queue = %self.queue, reason, "a consumer ended; it begins again");
                }
                Over::Cancelled => self.queue_was_deleted(&link).await,
            }
            // A session that settles nothing only hands the same messages out again.
            if self.pulse.settled() > before {
                pauses.reset();
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                () = sleep(pauses.next()) => {}
            }
        }
        self.shared.health.fine(&self.trouble());
    }

    /// The broker says so before anybody looks; another process may have made the queue again at once.
    async fn queue_was_deleted(&self, link: &Link) {
        match look_after(&self.shared, link, self.consumer).await {
            Ok(found) if found.forgotten => {}
            Ok(_) => self.shared.health.lost(self.queue.as_str(), "the broker ended its consumer"),
            Err(trouble) => tracing::warn!(queue = %self.queue, trouble = trouble.text, "a consumer was ended"),
        }
    }

    /// Consumes on a channel of its own until that ends or the consumer stops.
    async fn session(&self, link: &Link, stop: &mut watch::Receiver<bool>) -> Over {
        let broken = |trouble: Trouble| Over::Broken(trouble.text);
        let channel = match link.channel().await {
            Ok(channel) => channel,
            Err(trouble) => return broken(trouble),
        };
        let prefetch = if self.kind == Kind::Inbox { PREFETCH.0 } else { PREFETCH.1 };
        if let Err(trouble) = link.within(channel.basic_qos(prefetch, BasicQosOptions { global: false })).await {
            return broken(trouble);
        }
        let tag: ShortString = format!("{}-{}", self.consumer, self.shared.boot_id).into();
        let options = BasicConsumeOptions::default();
        let consuming = channel.basic_consume(self.queue.clone(), tag.clone(), options, FieldTable::default());
        let stream = match link.within(consuming).await {
            Ok(stream) => stream,
            Err(trouble) => return broken(trouble),
        };
        let (lost, unsettled) = (watch::Sender::new(false), Unsettled::default());
        let (over, mut working) = self.take(stream, stop, &lost, &unsettled).await;
        if matches!(over, Over::Stopped) {
            // What has been handed out and not begun goes back when the channel closes.
            let cancelled = link.within(channel.basic_cancel(tag, BasicCancelOptions::default())).await;
            tracing::debug!(queue = %self.queue, ?cancelled, "a consumer stops");
        }
        // The library may leave the acknowledgement of a message from a dead channel unanswered.
        lost.send_replace(over != Over::Stopped);
        while let Some(ended) = working.next().await {
            if let Ended::Together { taken, .. } = ended {
                working.push(self.settle(taken, &unsettled, lost.subscribe()).boxed());
            }
        }
        let closed = link.within(channel.close(200, "the consumer ends".into())).await;
        tracing::debug!(queue = %self.queue, ?closed, "a consumer's channel ends");
        self.pulse.held.store(0, Ordering::Release);
        over
    }

    /// Works what comes: all that has come meanwhile together, each aggregate in order; what the inbox could not take
    /// by itself, while the others go on. What is still under way at the end.
    async fn take<'a>(
        &'a self,
        mut stream: Stream,
        stop: &mut watch::Receiver<bool>,
        lost: &watch::Sender<bool>,
        unsettled: &'a Unsettled,
    ) -> (Over, FuturesUnordered<Working<'a>>) {
        let stopping = stop.clone();
        let alone = |key, (item, delivery)| {
            self.work(key, item, delivery, unsettled, [stopping.clone(), lost.subscribe()]).boxed()
        };
        let mut working: FuturesUnordered<Working<'a>> = FuturesUnordered::new();
        let mut waiting = Waiting::default();
        // Whatever else is ready at the same moment, nothing is begun any more.
        while !*stop.borrow() {
            if let Some(batch) = waiting.batch() {
                working.push(self.work_together(batch).boxed());
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                Some(ended) = working.next() => match ended {
                    Ended::Settled(key) => {
                        if let Some(next) = key.as_ref().and_then(|key| waiting.behind(key)) {
                            working.push(alone(key, next));
                        }
                    }
                    Ended::Together { taken, refused } => {
                        if refused.is_empty() {
                            self.shared.health.fine(&self.trouble());
                        }
                        working.push(self.settle(taken, unsettled, lost.subscribe()).boxed());
                        for (key, next) in waiting.hold(refused) {
                            working.push(alone(Some(key), next));
                        }
                    }
                    Ended::Returned => {}
                    Ended::GaveUp(reason) => return (Over::Broken(reason), working),
                },
                next = stream.next() => match next {
                    Some(Ok(delivery)) => {
                        self.pulse.delivered.fetch_add(1, Ordering::AcqRel);
                        self.pulse.held.fetch_add(1, Ordering::AcqRel);
                        unsettled.come(delivery.delivery_tag);
                        let item = Item::read(self.kind, &delivery);
                        match item.key() {
                            Some(key) => waiting.push(key, (item, delivery)),
                            None => working.push(alone(None, (item, delivery))),
                        }
                    }
                    Some(Err(error)) => return (Over::Broken(error.to_string()), working),
                    None => return (Over::Cancelled, working),
                },
            }
        }
        (Over::Stopped, working)
    }

    fn trouble(&self) -> String {
        format!("inbox of {} ({})", self.consumer, self.queue)
    }
}
