//! A bounded set of connections. Rule: nobody waits for one longer than the acquire limit; none is lent that may hold
//! somebody else's transaction; opening and taking back happen in tasks of their own, so that a caller that goes away
//! interrupts nothing.
//!
//! A caller on a thread with a runtime of its own, as an HTTP worker is, gets a connection that this runtime drives, as
//! far as there are any: a word between threads costs as much as the statement.

mod lease;
mod places;

use super::connection::{Connection, Home};
use super::server::{Dial, Purpose, Server};
use crate::error::{DbError, OpenError};
use crate::options::Limits;
pub(super) use lease::Lease;
use places::{Place, Places};
use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval, timeout, timeout_at};

/// Between two looks for connections that are too old or were not needed.
const SWEEP: Duration = Duration::from_secs(15);
/// A connection that nobody needed for so long is closed.
const UNUSED: Duration = Duration::from_secs(60);
/// A connection that rested for so long is asked whether it still works.
const RESTED: Duration = Duration::from_secs(30);
/// A connection of another thread is not closed for one of this thread's own before it is so old.
const SETTLED: Duration = Duration::from_secs(2);
/// The longest that a connection may live.
const OLDEST: Duration = Duration::from_secs(300);
/// Before a server that had no room is asked again: at first, and at most.
const ROOM: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(400));

/// Lends connections.
#[derive(Clone)]
pub(super) struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    server: Server,
    dial: Dial,
    limits: Limits,
    idle: Mutex<Vec<Connection>>,
    /// Told when one has been given back.
    returned: Notify,
    places: Arc<Places>,
    runtime: Handle,
    /// Which columns a unique index is over.
    unique: Mutex<HashMap<String, String>>,
}

impl Pool {
    /// No connection is opened yet. They are taken back on the present runtime.
    pub(super) fn new(server: &Server, purpose: Purpose, limits: Limits, size: usize) -> Result<Self, OpenError> {
        let size = u32::try_from(size.max(1)).unwrap_or(u32::MAX);
        let shared = Arc::new(Shared {
            server: server.clone(),
            dial: server.dial(purpose, &limits)?,
            limits,
            idle: Mutex::default(),
            returned: Notify::new(),
            places: Places::new(size),
            runtime: Handle::current(),
            unique: Mutex::default(),
        });
        shared.runtime.spawn(sweep(Arc::downgrade(&shared)));
        Ok(Self { shared })
    }

    /// Opens one connection, so that what is wrong is known.
    ///
    /// # Errors
    /// [`OpenError`]; of a server without room, when none came within the acquire limit.
    pub(super) async fn warm_up(&self) -> Result<(), OpenError> {
        let connection = self.shared.connect_or_share().await?;
        self.shared.give_back(connection);
        Ok(())
    }

    /// Waits for a connection.
    ///
    /// # Errors
    /// [`DbError::Busy`] when all are lent for longer than the acquire limit; [`DbError::Unavailable`] when none
    /// can be opened, or the pool is closed. Where the server has no room for one more, one that is given back within
    /// the acquire limit is taken instead.
    pub(super) async fn lease(&self) -> Result<Lease, DbError> {
        let place = timeout(self.shared.limits.acquire, self.shared.places.one());
        let place = place.await.map_err(|_| DbError::Busy)?.ok_or_else(closed)?;
        if let Some(connection) = self.shared.rested_here(place.home) {
            return Ok(self.shared.lend(connection, place));
        }
        // In a task of its own: whoever went away meanwhile leaves a connection for the next.
        let pool = Arc::clone(&self.shared);
        let opening = tokio::spawn(async move {
            let connection = pool.idle_that_answers().await;
            let connection = match connection {
                Some(connection) => Ok(connection),
                None => pool.connect_or_share().await.map_err(|error| unavailable(&error)),
            };
            connection.map(|connection| pool.lend(connection, place))
        });
        // Waiting for room, and then a server that takes the connection and is silent.
        match timeout(self.shared.limits.acquire * 2 + self.shared.limits.silence, opening).await {
            Ok(Ok(lease)) => lease,
            Ok(Err(error)) => Err(DbError::Unavailable(error.to_string())),
            Err(_) => Err(DbError::Unavailable("the server does not answer".to_owned())),
        }
    }

    /// Where connections are taken back.
    pub(super) fn runtime(&self) -> &Handle {
        &self.shared.runtime
    }

    /// Names the columns of a broken uniqueness rule as SQLite does; anything else stays as it is. Where that cannot
    /// be found out, the rule is not told: a name that nobody knows would be taken for a fault of the program.
    pub(super) async fn name(&self, error: DbError) -> DbError {
        let DbError::Unique { constraint } = error else { return error };
        if let Some(columns) = self.shared.columns_of(&constraint) {
            return DbError::Unique { constraint: columns };
        }
        // A migration came after the last look.
        if let Err(trouble) = self.learn_names().await {
            tracing::warn!(error = %trouble, constraint, "the columns of a unique index could not be looked up");
            return trouble;
        }
        let columns = self.shared.columns_of(&constraint);
        DbError::Unique { constraint: columns.unwrap_or(constraint) }
    }

    async fn learn_names(&self) -> Result<(), DbError> {
        const ASK: &str = "SELECT i.relname::text, string_agg(t.relname || '.' || a.attname, ', ' ORDER BY k.place)
            FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
            JOIN pg_namespace n ON n.oid = t.relnamespace
            CROSS JOIN LATERAL unnest(x.indkey) WITH ORDINALITY AS k(attnum, place)
            JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum
            WHERE x.indisunique AND n.nspname = $1 GROUP BY i.relname";
        let mut lease = self.lease().await?;
        lease.soil();
        let schema: &(dyn tokio_postgres::types::ToSql + Sync) = &self.shared.server.schema();
        let asked = timeout(self.shared.limits.silence, lease.connection()?.ask(ASK, &[schema])).await;
        let rows = asked.map_err(|_| DbError::Unavailable("the server does not answer".to_owned()))?;
        let rows = rows.map_err(|error| DbError::Unavailable(super::sort::describe(&error)))?;
        lease.clean();
        let mut unique = self.shared.unique.lock().unwrap_or_else(PoisonError::into_inner);
        for row in rows {
            if let (Ok(index), Ok(columns)) = (row.try_get(0), row.try_get(1)) {
                unique.insert(index, columns);
            }
        }
        Ok(())
    }

    /// Lets nobody in any more, waits for who is in and closes all connections.
    pub(super) async fn close(&self) {
        // Whoever stays longer than a statement may take is cut off.
        let _ = timeout(self.shared.limits.silence, self.shared.places.emptied()).await;
        self.shared.places.close();
        let idle = std::mem::take(&mut *self.shared.idle.lock().unwrap_or_else(PoisonError::into_inner));
        idle.into_iter().for_each(Connection::farewell);
    }
}

impl Shared {
    async fn connect(&self) -> Result<Connection, OpenError> {
        Connection::open(&self.server, &self.dial, self.limits.silence).await
    }

    /// A new connection, in the place of the oldest that rests where there is no room for both. While the server has no room for
    /// it, one that is given back, whichever comes first; where it cannot be opened at all, one that rests.
    async fn connect_or_share(&self) -> Result<Connection, OpenError> {
        let until = Instant::now() + self.limits.acquire;
        let mut pause = ROOM.0;
        loop {
            let full = match self.connect().await {
                Err(full @ OpenError::Full { .. }) => full,
                Err(error) => return self.rested().ok_or(error),
                Ok(connection) => {
                    self.make_room();
                    return Ok(connection);
                }
            };
            let now = Instant::now();
            if now >= until {
                return Err(full);
            }
            if let Some(connection) = self.given_back(until.min(now + pause)).await {
                return Ok(connection);
            }
            pause = (pause * 2).min(ROOM.1);
        }
    }

    async fn given_back(&self, until: Instant) -> Option<Connection> {
        loop {
            let returned = self.returned.notified();
            if let Some(connection) = self.rested() {
                return Some(connection);
            }
            timeout_at(until.into(), returned).await.ok()?;
        }
    }

    fn lend(self: &Arc<Self>, connection: Connection, mut place: Place) -> Lease {
        place.home = connection.home;
        Lease::new(Arc::clone(self), connection, place)
    }

    /// The newest idle connection of this thread, when it can be lent without a question. One of another thread where
    /// there is no room for one more and it has not been there for long: threads that need more than there are do not
    /// close each other's all the time, and the process's own runtime takes any. Rather one of the thread whose place it
    /// was, `left`: the others are waited for.
    fn rested_here(&self, left: Home) -> Option<Connection> {
        let mut idle = self.good_idle();
        let (home, full) = (Home::here(), self.is_full(&idle));
        let fits = |connection: &Connection| {
            let may_be_lent = home.is_shared() || connection.age() < SETTLED;
            connection.used.elapsed() < RESTED && (connection.home == home || (full && may_be_lent))
        };
        let of = |home| idle.iter().rposition(|connection| connection.home == home && fits(connection));
        let place = of(home).or_else(|| of(left)).or_else(|| idle.iter().rposition(fits))?;
        Some(idle.remove(place))
    }

    /// The newest idle connection of any thread, when it can be lent without a question.
    fn rested(&self) -> Option<Connection> {
        self.good_idle().pop_if(|connection| connection.used.elapsed() < RESTED)
    }

    /// An idle connection of this thread that has rested for long and still answers.
    async fn idle_that_answers(&self) -> Option<Connection> {
        let home = Home::here();
        loop {
            let connection = {
                let mut idle = self.good_idle();
                let place = idle.iter().rposition(|connection| connection.home == home)?;
                idle.remove(place)
            };
            if connection.answers().await {
                return Some(connection);
            }
        }
    }

    /// Closes the oldest that rests when there is one too many, for somebody who has opened one more.
    fn make_room(&self) {
        let mut idle = self.good_idle();
        if self.is_full(&idle) {
            idle.remove(0).farewell();
        }
    }

    fn good_idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|connection| self.is_good(connection));
        idle
    }

    /// Whether another connection would be one too many, for somebody who has a place already. Others who just come or
    /// go make it rather more full than less.
    fn is_full(&self, idle: &[Connection]) -> bool {
        idle.len() > self.places.free() as usize
    }

    fn is_good(&self, connection: &Connection) -> bool {
        !connection.is_closed() && connection.age() < self.limits.lifetime.min(OLDEST)
    }

    fn give_back(&self, mut connection: Connection) {
        if self.places.are_closed() || !self.is_good(&connection) {
            connection.farewell();
            return;
        }
        connection.used = Instant::now();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        self.returned.notify_waiters();
    }

    fn columns_of(&self, index: &str) -> Option<String> {
        self.unique.lock().unwrap_or_else(PoisonError::into_inner).get(index).cloned()
    }
}

/// Closes what is old or was not needed, until the pool is gone.
async fn sweep(pool: Weak<Shared>) {
    let mut ticks = interval(SWEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(pool) = pool.upgrade() else { return };
        let mut idle = pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let (kept, gone): (Vec<Connection>, Vec<Connection>) = std::mem::take(&mut *idle)
            .into_iter()
            .partition(|connection| pool.is_good(connection) && connection.used.elapsed() < UNUSED);
        *idle = kept;
        drop(idle);
        gone.into_iter().for_each(Connection::farewell);
    }
}

fn closed() -> DbError {
    DbError::Unavailable("the database is closed".to_owned())
}

fn unavailable(error: &OpenError) -> DbError {
    let cause = error.source().map(|source| format!(": {source}")).unwrap_or_default();
    DbError::Unavailable(format!("{error}{cause}"))
}
