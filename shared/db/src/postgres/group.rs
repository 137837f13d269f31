//! New rows of several callers in one statement: what costs the server the most is each statement and each commit, not each
//! row. Group commit as in Helland et al., "Group Commit Timers and High Volume Transaction Systems" (1987), without a
//! timer: whoever comes while another one's rows are on their way waits for them, and goes with all who came meanwhile.
//!
//! Rules: a statement that fails took nothing along, and each of its members goes alone, so that one of them that breaks a
//! constraint costs the others nothing but time; nobody waits long for a statement that waits for a lock, and to be long is
//! measured by those before it: were it a fixed time, all would go alone just when the machine is slow, and make it slower.

use super::connection::{Home, Order};
use super::fold::{fold, is_alike};
use super::pool::Pool;
use super::signal::Signal;
use super::sort::sort_commit;
use crate::error::DbError;
use sea_orm::Statement;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// Members of a group, at most. Groups are powers of two, so that a connection prepares few texts.
const MEMBERS: usize = 32;
/// Who waits for rows that have been on their way for twice as long as any lately goes alone, between these bounds.
const PATIENCE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(250));

/// The groups of a pool: one at a time on each thread.
#[derive(Clone)]
pub(super) struct Groups {
    lanes: Arc<Mutex<HashMap<Home, Arc<Lane>>>>,
    pool: Pool,
    signal: Signal,
}

/// Those who are under way on one thread, and those who wait for them.
struct Lane {
    state: Mutex<State>,
    pool: Pool,
    signal: Signal,
}

#[derive(Default)]
struct State {
    /// Since when the rows that are on their way are.
    busy: Option<Instant>,
    /// How long rows were on their way lately: the longest, an eighth of which is forgotten with each that took less.
    lately: Duration,
    /// The turn was passed on, and nobody has taken it up yet.
    passed: bool,
    members: u64,
    waiting: VecDeque<Member>,
}

/// Who waits.
struct Member {
    number: u64,
    statements: Vec<Statement>,
    emitted: bool,
    answer: oneshot::Sender<Outcome>,
}

/// What became of a member.
pub(super) enum Outcome {
    Kept,
    /// Nothing was kept of it: it is to write by itself, and to hold the turn meanwhile, if it has one.
    Alone(Option<Turn>),
    /// There was no connection, and nothing was sent.
    KeptOut(DbError),
    /// Nobody knows.
    Unknown(DbError),
}

/// The right to be under way. Dropped, it goes to those who wait.
pub(super) struct Turn(Arc<Lane>);

impl Groups {
    pub(super) fn new(pool: &Pool, signal: &Signal) -> Self {
        Self { lanes: Arc::default(), pool: pool.clone(), signal: signal.clone() }
    }

    /// Writes the rows together with those of others; at once and alone where there are none. `emitted` says whether there
    /// is something to relay then.
    pub(super) async fn join(&self, statements: &[Statement], emitted: bool) -> Outcome {
        let lane = self.lane();
        let (number, patience, mut answer) = {
            let mut state = lane.state();
            if state.busy.is_none() {
                state.busy = Some(Instant::now());
                return Outcome::Alone(Some(Turn(Arc::clone(&lane))));
            }
            state.members += 1;
            let number = state.members;
            let (sender, answer) = oneshot::channel();
            state.waiting.push_back(Member { number, statements: statements.to_vec(), emitted, answer: sender });
            (number, state.patience_left(), answer)
        };
        let answered = loop {
            match timeout(patience, &mut answer).await {
                Ok(answered) => break answered,
                Err(_) if lane.withdraw(number) => return Outcome::Alone(None),
                Err(_) => {}
            }
        };
        answered.unwrap_or_else(|_| Outcome::Unknown(DbError::Unknown("the group ended without a word".to_owned())))
    }

    fn lane(&self) -> Arc<Lane> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let lane = lanes.entry(Home::here()).or_insert_with(|| {
            Arc::new(Lane { state: Mutex::default(), pool: self.pool.clone(), signal: self.signal.clone() })
        });
        Arc::clone(lane)
    }
}

impl Lane {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True when a member waited for what has been on its way for too long, and does not wait any more.
    fn withdraw(&self, number: u64) -> bool {
        let mut state = self.state();
        if state.busy.is_some_and(|since| since.elapsed() < state.patience()) {
            return false;
        }
        let before = state.waiting.len();
        state.waiting.retain(|member| member.number != number);
        state.waiting.len() < before
    }

    /// The next group: the first who waits, and those whose statements are the same as its. Whether nobody else waits.
    fn take(&self) -> (Vec<Member>, bool) {
        let mut state = self.state();
        state.busy = Some(Instant::now());
        let Some(first) = state.waiting.front() else { return (Vec::new(), true) };
        let alike = state.waiting.iter().filter(|member| is_alike(&first.statements, &member.statements)).count();
        let size = 1 << alike.min(MEMBERS).ilog2();
        let (mut group, mut rest) = (Vec::with_capacity(size), VecDeque::new());
        for member in std::mem::take(&mut state.waiting) {
            let fits = group.first().is_none_or(|first: &Member| is_alike(&first.statements, &member.statements));
            if group.len() < size && fits { group.push(member) } else { rest.push_back(member) }
        }
        state.waiting = rest;
        (group, state.waiting.is_empty())
    }

    /// Writes a group.
    async fn keep(&self, group: &[Member]) -> Outcome {
        let members: Vec<&[Statement]> = group.iter().map(|member| member.statements.as_slice()).collect();
        let emitted = group.iter().any(|member| member.emitted);
        let Some(folded) = fold(&members) else { return Outcome::Alone(None) };
        let mut lease = match self.pool.lease().await {
            Ok(lease) => lease,
            Err(error) => return Outcome::KeptOut(error),
        };
        lease.soil();
        if emitted {
            lease.tell(&self.signal);
        }
        let Ok(connection) = lease.connection() else { return Outcome::Alone(None) };
        match connection.send(&[Order::Folded(&folded)]).await {
            Ok(_) => {
                lease.clean();
                self.state().has_arrived();
                if emitted {
                    self.signal.tell();
                }
                Outcome::Kept
            }
            Err(failure) => {
                let sorted = sort_commit(&failure, 0);
                if sorted.broken {
                    lease.condemn();
                }
                match sorted.error {
                    unknown @ DbError::Unknown(_) => Outcome::Unknown(unknown),
                    _ => Outcome::Alone(None),
                }
            }
        }
    }
}

impl State {
    fn patience(&self) -> Duration {
        (self.lately * 2).clamp(PATIENCE.0, PATIENCE.1)
    }

    /// How long it is worth it for somebody who comes now to wait for what is on its way.
    fn patience_left(&self) -> Duration {
        let gone = self.busy.map(|since| since.elapsed()).unwrap_or_default();
        self.patience().saturating_sub(gone).max(PATIENCE.0)
    }

    /// What is on its way was kept. One that took very much longer than all others may have waited for a lock: it takes
    /// several of them to be believed.
    fn has_arrived(&mut self) {
        let took = self.busy.map(|since| since.elapsed()).unwrap_or_default();
        self.lately = took.min(self.patience() * 2).min(PATIENCE.1).max(self.lately / 8 * 7);
    }
}

impl Outcome {
    /// The same for another member.
    fn again(&self) -> Self {
        match self {
            Self::Kept => Self::Kept,
            Self::Alone(_) => Self::Alone(None),
            Self::KeptOut(error) => Self::KeptOut(error.clone()),
            Self::Unknown(error) => Self::Unknown(error.clone()),
        }
    }
}

impl Turn {
    /// Its holder's rows were kept.
    pub(super) fn end(self) {
        self.0.state().has_arrived();
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.0.state();
        // A runtime that ends drops what is given to it: then nobody works for those who wait, and each goes alone.
        if state.waiting.is_empty() || state.passed {
            (state.busy, state.passed) = (None, false);
            let waiting = std::mem::take(&mut state.waiting);
            drop(state);
            waiting.into_iter().for_each(|member| drop(member.answer.send(Outcome::Alone(None))));
            return;
        }
        state.passed = true;
        drop(state);
        let next = work(Self(Arc::clone(&self.0)));
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(next)),
            Err(_) => drop(self.0.pool.runtime().spawn(next)),
        }
    }
}

/// Writes one group after the other, until nobody waits.
async fn work(turn: Turn) {
    turn.0.state().passed = false;
    loop {
        let (mut group, is_last) = turn.0.take();
        let outcome = match group.len() {
            0 => return,
            1 if is_last => {
                // With the turn, so that those who come meanwhile go together; who has gone away gives it back.
                if let Some(member) = group.pop() {
                    drop(member.answer.send(Outcome::Alone(Some(turn))));
                }
                return;
            }
            // Those who wait are unlike it, and do not wait for it.
            1 => Outcome::Alone(None),
            _ => turn.0.keep(&group).await,
        };
        for member in group {
            // Who has gone away has lost only the answer.
            drop(member.answer.send(outcome.again()));
        }
    }
}
