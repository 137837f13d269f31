//! The path of a write. Rule: this is the only way to write; a use-case neither begins nor commits, it may run more
//! than once, and nobody is answered before the commit that holds its work, or what it saw, is known.

use crate::context::Context;
use crate::error::{DbError, OpenError};
use crate::ids::Ids;
use crate::options::DbOptions;
use crate::sqlite::{Reader, Ticket, Writer, keep_short, truncate};
use crate::tx::Tx;
use contracts::Clock;
use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use uuid::Uuid;

/// Runs of a use-case when it keeps losing against others.
const RUNS: u32 = 3;

/// A function over a transaction: any `async fn(&mut Tx, &C) -> Result<T, E>`.
pub trait UseCase<'t, C: ?Sized>: Send + Sync {
    /// What it returns when its work is to be kept.
    type Ok: Send;
    /// What it returns when its work is to be taken back.
    type Err: From<DbError> + Send;
    /// The running use-case.
    type Running: Future<Output = Result<Self::Ok, Self::Err>> + Send + 't;

    /// Runs it once.
    fn run(&self, tx: &'t mut Tx, command: &'t C) -> Self::Running;
}

impl<'t, C, F, R, T, E> UseCase<'t, C> for F
where
    C: ?Sized + 't,
    F: Fn(&'t mut Tx, &'t C) -> R + Send + Sync,
    R: Future<Output = Result<T, E>> + Send + 't,
    T: Send,
    E: From<DbError> + Send,
{
    type Ok = T;
    type Err = E;
    type Running = R;

    fn run(&self, tx: &'t mut Tx, command: &'t C) -> R {
        self(tx, command)
    }
}

/// One domain's database.
#[derive(Clone)]
pub struct Db {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    options: DbOptions,
    writer: Writer,
    reader: Reader,
    ids: Arc<Ids>,
    committed: Arc<Notify>,
    trouble: Arc<Mutex<Option<String>>>,
    checkpoints: AbortHandle,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.checkpoints.abort();
    }
}

impl Db {
    /// Opens the database. Commits, scans and checkpoints run on the tokio runtime that this is called on, which
    /// must outlive all callers of [`Db::write`].
    ///
    /// # Errors
    /// [`OpenError`] when the file cannot be used or a setting that durability rests on does not take.
    #[expect(clippy::unused_async, reason = "a server's database is opened over the network")]
    pub async fn open(options: DbOptions) -> Result<Self, OpenError> {
        if rusqlite::version_number() < 3_051_003 {
            return Err(OpenError::Version { found: rusqlite::version().to_owned() });
        }
        let runtime = Handle::current();
        let committed = Arc::new(Notify::new());
        let trouble = Arc::new(Mutex::new(None));
        let told = options.wake_up.then(|| Arc::clone(&committed));
        let writer = Writer::open(options.path.clone(), options.limits, told, Arc::clone(&trouble))?;
        let reader = Reader::new(options.path.clone(), options.limits, options.readers, runtime.clone());
        let ids = Arc::new(Ids::new(Arc::clone(&options.clock)));
        let checkpoints = runtime.spawn(keep_short(options.path.clone(), options.limits)).abort_handle();
        let path = options.path.clone();
        let shared = Shared { path, options, writer, reader, ids, committed, trouble, checkpoints };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Runs a use-case in a transaction: waits for the turn, runs it, sends what it pushed, commits. `Err` takes all
    /// back. After a conflict it is run again, three times at most. A caller that goes away before the use-case has
    /// returned leaves nothing; afterwards it loses only the answer.
    ///
    /// # Errors
    /// What the use-case returned, or a [`DbError`] as the use-case's error: [`DbError::Busy`] when the turn did not
    /// come, [`DbError::Unknown`] when the commit's outcome is not known, what a pushed statement violated.
    pub async fn write<C, F, T, E>(&self, context: &Context, command: &C, use_case: F) -> Result<T, E>
    where
        C: Sync + ?Sized,
        F: for<'t> UseCase<'t, C, Ok = T, Err = E>,
        T: Send,
        E: From<DbError> + Send,
    {
        let mut runs = 1;
        loop {
            let turn = self.shared.writer.turn().await?;
            let mut tx = Tx::new(turn, context.clone(), Arc::clone(&self.shared.ids), self.clock().now());
            let result = use_case.run(&mut tx, command).await;
            let (result, ticket) = match result {
                Ok(value) => match tx.keep() {
                    Ok(ticket) => (Ok(value), Some(ticket)),
                    Err(error) => (Err(E::from(error)), tx.take_back()),
                },
                Err(error) => (Err(error), tx.take_back()),
            };
            let met_conflict = tx.met_conflict();
            drop(tx);
            let settled = match ticket {
                Some(ticket) => settled(ticket).await,
                None => Ok(()),
            };
            let lost = settled == Err(DbError::Conflict) || (result.is_err() && met_conflict);
            if !lost || runs == RUNS {
                return settled.map_err(E::from).and(result);
            }
            runs += 1;
        }
    }

    /// Reads outside a transaction.
    #[must_use]
    pub fn reader(&self) -> &Reader {
        &self.shared.reader
    }

    /// The clock of `Tx::now`.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.options.clock
    }

    /// A new id.
    #[must_use]
    pub fn new_id(&self) -> Uuid {
        self.shared.ids.next()
    }

    /// Told after a commit that emitted events.
    #[must_use]
    pub fn committed(&self) -> &Arc<Notify> {
        &self.shared.committed
    }

    /// Where it is, for people.
    #[must_use]
    pub fn location(&self) -> String {
        self.shared.path.display().to_string()
    }

    /// What the newest begin or commit failed with; none while writes succeed.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Commits what is open, empties the write-ahead log and lets nobody in any more.
    pub async fn close(&self) {
        self.shared.checkpoints.abort();
        self.shared.writer.close().await;
        self.shared.reader.close();
        let (path, limits) = (self.shared.path.clone(), self.shared.options.limits);
        if let Err(error) = tokio::task::spawn_blocking(move || truncate(&path, &limits)).await {
            tracing::error!(%error, "the last checkpoint failed");
        }
    }
}

/// Waits until the group's commit is known.
async fn settled(mut ticket: Ticket) -> Result<(), DbError> {
    let outcome = ticket.wait_for(Option::is_some).await;
    match outcome.as_deref() {
        Ok(Some(outcome)) => outcome.clone(),
        _ => Err(DbError::Unknown("the group ended without a word".to_owned())),
    }
}
