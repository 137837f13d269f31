//! Where a process stands with joining each stream. Rule: asked is asked again, later each time, until the answer has
//! been seen to the end; a doubt that comes up afterwards begins the asking anew.

use contracts::topology::StreamName;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};

/// Before a publisher is asked again that could not be told: at first it may only not have started yet.
const UNREACHED: Duration = Duration::from_millis(50);

/// What is known of the asking.
pub(crate) struct Joins {
    streams: Mutex<Vec<Asking>>,
    /// First and longest pause before a question is asked again.
    pauses: (Duration, Duration),
    changed: watch::Sender<()>,
    pub wake: Notify,
}

/// One stream.
struct Asking {
    stream: StreamName,
    /// Its last page was taken: the consumer has all aggregates.
    complete: bool,
    /// It was compared how far the stream is.
    sure: bool,
    /// A part of that could not be compared since it was asked for.
    doubted: bool,
    /// The publisher is not to be reached.
    unreached: bool,
    tries: u32,
    next: Instant,
}

impl Joins {
    pub(crate) fn new(streams: &[StreamName], pauses: (Duration, Duration)) -> Self {
        let asking = |stream: &StreamName| Asking {
            stream: *stream,
            complete: false,
            sure: false,
            doubted: false,
            unreached: false,
            tries: 0,
            next: Instant::now(),
        };
        let streams = Mutex::new(streams.iter().map(asking).collect());
        Self { streams, pauses, changed: watch::Sender::new(()), wake: Notify::new() }
    }

    /// The streams to ask for now.
    pub(super) fn due(&self) -> Vec<StreamName> {
        let now = Instant::now();
        self.lock().iter().filter(|asking| asking.is_open() && asking.next <= now).map(|asking| asking.stream).collect()
    }

    /// Whether it was compared how far every stream is, and nothing was missing.
    pub(super) fn all_sure(&self) -> bool {
        self.lock().iter().all(|asking| !asking.is_open())
    }

    /// How long nothing has to be asked; none as long as there is nothing to ask.
    pub(super) fn pause(&self) -> Option<Duration> {
        let next = self.lock().iter().filter(|asking| asking.is_open()).map(|asking| asking.next).min();
        next.map(|next| next.saturating_duration_since(Instant::now()))
    }

    /// A stream is about to be asked for; the answer may come before the question has been put away.
    pub(super) fn asks(&self, stream: StreamName) {
        let pauses = self.pauses;
        self.change(stream.domain, stream.aggregate, |asking| {
            asking.doubted = false;
            asking.next = Instant::now() + pauses.0.saturating_mul(1 << asking.tries.min(16)).min(pauses.1);
            asking.tries = asking.tries.saturating_add(1);
        });
    }

    /// The publisher of a stream could not be told.
    pub(super) fn unreached(&self, stream: StreamName) {
        let longest = self.pauses.1;
        self.change(stream.domain, stream.aggregate, |asking| {
            asking.unreached = true;
            asking.next = Instant::now() + UNREACHED.saturating_mul(1 << asking.tries.min(16)).min(longest);
        });
    }

    /// A page came that is not the last: nothing needs to be asked for as long as there are more.
    pub(super) fn progress(&self, source: &str, aggregate: &str) {
        let patience = self.pauses.0;
        self.change(source, aggregate, |asking| (asking.tries, asking.next) = (0, Instant::now() + patience));
    }

    /// The last page was taken; whether all of them could be.
    pub(super) fn taken(&self, source: &str, aggregate: &str, all: bool) {
        self.change(source, aggregate, |asking| {
            asking.complete |= all;
            asking.unreached = false;
        });
    }

    /// It was compared how far the stream is.
    pub(super) fn sure(&self, source: &str, aggregate: &str) {
        self.change(source, aggregate, |asking| asking.sure = !asking.doubted);
    }

    /// It could not be compared how far the stream is.
    pub(super) fn doubt(&self, source: &str, aggregate: &str) {
        let patience = self.pauses.0;
        self.change(source, aggregate, |asking| {
            asking.doubted = true;
            if std::mem::take(&mut asking.sure) {
                (asking.tries, asking.next) = (1, Instant::now() + patience);
            }
        });
        self.wake.notify_one();
    }

    /// A publisher begins anew: its streams are asked for again, at once.
    pub(crate) fn doubt_source(&self, source: &str) {
        for asking in self.lock().iter_mut().filter(|asking| asking.stream.domain == source) {
            (asking.sure, asking.tries, asking.next) = (false, 0, Instant::now());
        }
        self.wake.notify_one();
    }

    /// Something may have been lost of every stream.
    pub(crate) fn doubt_all(&self) {
        for asking in self.lock().iter_mut() {
            (asking.sure, asking.tries, asking.next) = (false, 0, Instant::now());
        }
        self.wake.notify_one();
    }

    /// Waits until every publisher that can be reached has given what this consumer needs to begin, at most so long.
    pub(crate) async fn complete(&self, within: Duration) {
        let mut changed = self.changed.subscribe();
        // By now they all have started, if they are here at all.
        for asking in self.lock().iter_mut().filter(|asking| asking.unreached) {
            (asking.unreached, asking.tries, asking.next) = (false, 0, Instant::now());
        }
        self.wake.notify_one();
        let all = async {
            while self.lock().iter().any(|asking| !asking.complete && !asking.unreached) {
                if changed.changed().await.is_err() {
                    return;
                }
            }
        };
        if timeout(within, all).await.is_err() {
            tracing::warn!("a publisher did not tell in time what a consumer needs to begin; it goes on asking");
        }
    }

    fn change(&self, source: &str, aggregate: &str, change: impl FnOnce(&mut Asking)) {
        let mut streams = self.lock();
        let of = |asking: &&mut Asking| asking.stream.domain == source && asking.stream.aggregate == aggregate;
        if let Some(asking) = streams.iter_mut().find(of) {
            change(asking);
        }
        drop(streams);
        self.changed.send_replace(());
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Asking>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asking {
    fn is_open(&self) -> bool {
        !self.complete || !self.sure
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::topology::USERS;

    fn joins() -> Joins {
        Joins::new(&[USERS], (Duration::from_secs(5), Duration::from_secs(60)))
    }

    fn pause(joins: &Joins) -> Option<f64> {
        joins.pause().map(|pause| pause.as_secs_f64().round())
    }

    #[test]
    fn asking_goes_on_until_the_answer_was_seen_to_the_end() {
        let joins = joins();
        assert_eq!(joins.due(), [USERS]);
        for seconds in [5.0, 10.0, 20.0, 40.0, 60.0, 60.0] {
            joins.asks(USERS);
            assert_eq!((joins.due(), pause(&joins)), (vec![], Some(seconds)));
        }
        joins.taken("user", "user", true);
        assert_eq!(pause(&joins), Some(60.0), "how far the stream is was not compared");
        joins.sure("user", "user");
        assert_eq!(joins.pause(), None);
    }

    #[test]
    fn a_part_that_could_not_be_compared_is_asked_for_again() {
        let joins = joins();
        joins.asks(USERS);
        joins.taken("user", "user", true);
        joins.doubt("user", "user");
        joins.sure("user", "user");
        assert!(joins.pause().is_some(), "the end of the answer does not make up for its beginning");
        joins.asks(USERS);
        joins.sure("user", "user");
        assert_eq!(joins.pause(), None);
        joins.doubt_all();
        assert_eq!(joins.due(), [USERS]);
    }

    #[tokio::test]
    async fn nobody_waits_for_a_publisher_that_is_not_here() {
        let joins = joins();
        let since = Instant::now();
        tokio::join!(joins.complete(Duration::from_secs(60)), async { joins.unreached(USERS) });
        assert!(since.elapsed() < Duration::from_secs(30));
    }
}
