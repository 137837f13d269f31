//! How many may have a connection at once, and who waits. Rules: whoever has waited the longest is next, but who can go on with
//! the connection that was given back, on the thread that drives it, goes before somebody of another thread who has waited
//! neither for much longer nor for long: in an overload that lasts, all have their turn. Nobody on the process's own runtime is
//! overtaken: what carries the events is there, seldom asks beside the requests, and is as well off with any connection.
//!
//! It matters most where others have the machine's processors, too: a thread that has nothing to do is asleep, and it may take
//! milliseconds until a word from another one wakes it.

use crate::postgres::connection::Home;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, oneshot};

/// By how much somebody of another thread may have waited longer.
const OVERTAKEN: Duration = Duration::from_millis(50);
/// Who has waited for so long is overtaken by nobody: well below the acquire limit.
const LONG: Duration = Duration::from_millis(250);

/// The places of a pool.
pub(super) struct Places {
    state: Mutex<State>,
    size: u32,
    /// Told when nobody has one.
    empty: Notify,
}

struct State {
    free: u32,
    /// Nobody new comes in.
    locked: bool,
    closed: bool,
    waiting: VecDeque<Waiting>,
}

struct Waiting {
    home: Home,
    since: Instant,
    place: oneshot::Sender<Place>,
}

/// The right to have a connection. Dropped, it goes to the next.
pub(super) struct Place {
    places: Arc<Places>,
    /// Where the connection is driven.
    pub home: Home,
}

impl Places {
    pub(super) fn new(size: u32) -> Arc<Self> {
        let state = State { free: size, locked: false, closed: false, waiting: VecDeque::new() };
        Arc::new(Self { state: Mutex::new(state), size, empty: Notify::new() })
    }

    /// Waits for one; none when there are none any more. Whoever goes away meanwhile has not had it.
    pub(super) async fn one(self: &Arc<Self>) -> Option<Place> {
        let home = Home::here();
        let granted = {
            let mut state = self.state();
            if state.locked {
                return None;
            }
            if state.free > 0 {
                state.free -= 1;
                return Some(Place { places: Arc::clone(self), home });
            }
            let (place, granted) = oneshot::channel();
            state.waiting.push_back(Waiting { home, since: Instant::now(), place });
            granted
        };
        granted.await.ok()
    }

    /// How many nobody has.
    pub(super) fn free(&self) -> u32 {
        self.state().free
    }

    /// Whether there are none any more.
    pub(super) fn are_closed(&self) -> bool {
        self.state().closed
    }

    /// Lets nobody in any more, and waits until those who came before are gone.
    pub(super) async fn emptied(&self) {
        self.state().locked = true;
        loop {
            let emptied = self.empty.notified();
            if self.free() == self.size {
                return;
            }
            emptied.await;
        }
    }

    /// Nobody gets one any more, and those who still wait are told.
    pub(super) fn close(&self) {
        let waiting = {
            let mut state = self.state();
            (state.locked, state.closed) = (true, true);
            std::mem::take(&mut state.waiting)
        };
        drop(waiting);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// To the next, who may have gone away: then it comes back at once.
    fn give_back(self: &Arc<Self>, home: Home) {
        let next = {
            let mut state = self.state();
            let next = state.next(home);
            if next.is_none() {
                state.free += 1;
                if state.free == self.size {
                    self.empty.notify_waiters();
                }
            }
            next
        };
        if let Some(next) = next {
            drop(next.place.send(Place { places: Arc::clone(self), home }));
        }
    }
}

impl State {
    fn next(&mut self, home: Home) -> Option<Waiting> {
        // Who has gone away is nobody's turn.
        while self.waiting.front()?.place.is_closed() {
            self.waiting.pop_front();
        }
        let front = self.waiting.front()?;
        let may_wait = front.since.elapsed() < LONG && !front.home.is_shared();
        let until = if may_wait { front.since + OVERTAKEN } else { front.since };
        let of_home = |waiting: &Waiting| waiting.home == home && !waiting.place.is_closed();
        let place = self.waiting.iter().take_while(|waiting| waiting.since <= until).position(of_home);
        self.waiting.remove(place.unwrap_or_default())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.give_back(self.home);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::poll;
    use std::task::Poll;

    fn state(waiting: &[(Home, Duration)]) -> (State, Vec<oneshot::Receiver<Place>>) {
        let now = Instant::now();
        let (waiting, receivers) = waiting
            .iter()
            .map(|(home, ago)| {
                let (place, receiver) = oneshot::channel();
                (Waiting { home: *home, since: now.checked_sub(*ago).unwrap(), place }, receiver)
            })
            .unzip();
        (State { free: 0, locked: false, closed: false, waiting }, receivers)
    }

    #[tokio::test]
    async fn who_goes_on_with_the_connection_goes_first_and_overtakes_nobody_for_long() {
        let (here, elsewhere) = (Home::here(), tokio::task::spawn_blocking(on_another_thread).await.unwrap());
        let shared = std::thread::spawn(Home::here).join().unwrap();
        assert!(here != elsewhere && shared.is_shared() && !here.is_shared() && !elsewhere.is_shared());
        let (little, much) = (OVERTAKEN / 2, OVERTAKEN * 2);
        let zero = Duration::ZERO;
        let (mut state, _receivers) = state(&[(elsewhere, little), (here, zero), (here, zero)]);
        for (home, left) in [(here, 2), (here, 1), (here, 0)] {
            assert_eq!(state.next(here).map(|next| next.home), Some(if left == 0 { elsewhere } else { home }));
            assert_eq!(state.waiting.len(), left);
        }
        assert!(state.next(here).is_none());
        // Waiting for much longer than the other, and both of them for long; and on the process's own runtime.
        for (first, ago) in [(elsewhere, (much, zero)), (elsewhere, (LONG + little, LONG)), (shared, (little, zero))] {
            let (mut state, _receivers) = self::state(&[(first, ago.0), (here, ago.1)]);
            assert_eq!(state.next(here).map(|next| next.home), Some(first));
        }
    }

    fn on_another_thread() -> Home {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async { Home::here() })
    }

    #[tokio::test]
    async fn who_goes_away_has_had_no_place() {
        let places = Places::new(1);
        let held = places.one().await.unwrap();
        // Gone while it waits; gone when its place is on its way; and one who stays.
        let (mut gone, mut late, mut stays) = (Box::pin(places.one()), Box::pin(places.one()), Box::pin(places.one()));
        for waiting in [&mut gone, &mut late, &mut stays] {
            assert!(poll!(waiting).is_pending());
        }
        drop(gone);
        drop(held);
        drop(late);
        assert!(stays.await.is_some());
        assert_eq!(places.free(), 1);
    }

    #[tokio::test]
    async fn who_waits_when_it_closes_is_served_or_told_and_nobody_new_comes_in() {
        let places = Places::new(1);
        let held = places.one().await.unwrap();
        let (mut waiting, mut emptied) = (Box::pin(places.one()), Box::pin(places.emptied()));
        assert!(poll!(&mut waiting).is_pending() && poll!(&mut emptied).is_pending());
        assert!(matches!(poll!(Box::pin(places.one())), Poll::Ready(None)), "somebody new came in");
        drop(held);
        assert!(poll!(&mut emptied).is_pending(), "somebody waits, and is in now");
        let held = waiting.await.expect("who came before is served");
        let late = Waiting { home: Home::here(), since: Instant::now(), place: oneshot::channel().0 };
        places.state().waiting.push_back(late);
        drop(held);
        emptied.await;
        let (place, told) = oneshot::channel();
        places.state().waiting.push_back(Waiting { home: Home::here(), since: Instant::now(), place });
        places.close();
        assert!(told.await.is_err() && places.are_closed());
    }
}
