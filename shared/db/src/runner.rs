//! The path of a write. Rule: this is the only way to write; a use-case neither begins nor commits, it may run more
//! than once, and nobody is answered before the commit that holds its work, or what it saw, is known.

use crate::context::Context;
use crate::error::{DbError, OpenError};
use crate::gate::Gate;
use crate::ids::Ids;
use crate::options::{DbOptions, Store};
use crate::reader::Reader;
use crate::turn::Writer;
use crate::tx::Tx;
use crate::{postgres, sqlite};
use contracts::Clock;
use contracts::failpoint::{Point, pass};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
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
    options: DbOptions,
    writer: Writer,
    reader: Reader,
    ids: Arc<Ids>,
    gate: Arc<Gate>,
    committed: Arc<Notify>,
    trouble: Arc<Mutex<Option<String>>>,
    kept: Kept,
}

/// What is looked after besides.
enum Kept {
    /// The write-ahead log of a file.
    File { path: PathBuf, checkpoints: AbortHandle },
    /// The way to other processes' relays.
    Postgres(postgres::Signal),
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Kept::File { checkpoints, .. } = &self.kept {
            checkpoints.abort();
        }
    }
}

impl Db {
    /// Opens the database. Commits, scans and checkpoints run on the tokio runtime that this is called on, which must outlive
    /// all callers of [`Db::write`]; a connection to a server runs on the runtime of who needed it first.
    ///
    /// # Errors
    /// [`OpenError`] when the database cannot be used or a setting that durability rests on does not take.
    pub async fn open(options: DbOptions) -> Result<Self, OpenError> {
        let committed = Arc::new(Notify::new());
        let told = options.wake_up.then(|| Arc::clone(&committed));
        let trouble = Arc::new(Mutex::new(None));
        let (writer, reader, kept) = match &options.store {
            Store::File(path) => open_file(path, &options, told, &trouble)?,
            Store::Postgres(server) => {
                let signal = postgres::Signal::new(server, &options.limits, told)?;
                let reader = postgres::Reader::new(server, options.limits, options.readers)?;
                let writer =
                    postgres::Writer::open(server, options.limits, options.writers, &reader, signal.clone()).await?;
                (Writer::Postgres(writer), Reader::from(reader), Kept::Postgres(signal))
            }
        };
        let ids = Arc::new(Ids::new(Arc::clone(&options.clock)));
        Ok(Self {
            shared: Arc::new(Shared { options, writer, reader, ids, gate: Arc::default(), committed, trouble, kept }),
        })
    }

    /// Runs a use-case in a transaction: waits for the turn, runs it, sends what it pushed, commits. `Err` takes all
    /// back. After a conflict it is run again, three times at most; on PostgreSQL, where conflicts over locks take long,
    /// not once the limit of silence has passed. A caller that goes away before the use-case has returned leaves
    /// nothing; afterwards it loses only the answer.
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
        let (mut runs, started) = (1, Instant::now());
        loop {
            let run = Instant::now();
            let mut turn = self.shared.writer.turn().await.inspect_err(|error| self.note(error))?;
            if runs > 1 {
                turn.contends();
            }
            let mut tx = Tx::new(
                turn,
                context.clone(),
                Arc::clone(&self.shared.ids),
                Arc::clone(&self.shared.gate),
                self.clock().now(),
            );
            let result = use_case.run(&mut tx, command).await;
            pass(Point::BeforeCommit);
            let (result, ticket) = match result {
                Ok(value) => match tx.keep().await {
                    Ok(ticket) => (Ok(value), Some(ticket)),
                    Err(error) => {
                        self.note(&error);
                        (Err(E::from(error)), None)
                    }
                },
                Err(error) => {
                    tx.trouble().into_iter().for_each(|error| self.note(error));
                    (Err(error), None)
                }
            };
            let (met_conflict, load) = (tx.may_rerun(), tx.load());
            let ticket = match ticket {
                Some(ticket) => Some(ticket),
                None => tx.take_back().await,
            };
            drop(tx);
            let settled = match ticket {
                Some(ticket) => ticket.settled().await,
                None => Ok(()),
            };
            let lost = settled == Err(DbError::Conflict) || (result.is_err() && met_conflict);
            if !lost || runs == RUNS || self.is_late(started) {
                let outcome = settled.map_err(E::from).and(result);
                if outcome.is_ok() {
                    self.relieve();
                    self.shared.gate.add(load);
                }
                return outcome;
            }
            self.step_aside(run.elapsed()).await;
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

    /// Whether events may be emitted.
    #[must_use]
    pub fn gate(&self) -> &Arc<Gate> {
        &self.shared.gate
    }

    /// Told after a commit that emitted events.
    #[must_use]
    pub fn committed(&self) -> &Arc<Notify> {
        &self.shared.committed
    }

    /// Says whether this process's relay leads. On PostgreSQL a process that leads is told by the others of what they
    /// commit, through [`Db::committed`], and one that does not tells it.
    pub fn leads(&self, leads: bool) {
        if let Kept::Postgres(signal) = &self.shared.kept {
            signal.leads(leads);
        }
    }

    /// Where it is, for people; without a password.
    #[must_use]
    pub fn location(&self) -> String {
        match &self.shared.options.store {
            Store::File(path) => path.display().to_string(),
            Store::Postgres(server) => server.location(),
        }
    }

    /// What the newest begin or commit failed with; none while writes succeed.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Remembers what stands between PostgreSQL and writing, for health. The lane of SQLite does so by itself.
    fn note(&self, error: &DbError) {
        if matches!(self.shared.kept, Kept::Postgres(_))
            && matches!(error, DbError::Unavailable(_) | DbError::Unknown(_))
        {
            *self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
        }
    }

    fn relieve(&self) {
        if matches!(self.shared.kept, Kept::Postgres(_)) {
            self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }

    /// True when there is no time for one more run.
    fn is_late(&self, started: Instant) -> bool {
        matches!(self.shared.kept, Kept::Postgres(_)) && started.elapsed() >= self.shared.options.limits.silence
    }

    /// Lets the winner of a conflict through. Who lost together does not come back together: the longer it took to
    /// lose, the less likely.
    async fn step_aside(&self, took: Duration) {
        if matches!(self.shared.kept, Kept::Postgres(_)) {
            let longest = (took / 4).max(Duration::from_millis(16));
            tokio::time::sleep(longest * u32::from(self.new_id().as_bytes()[15]) / 255).await;
        }
    }

    /// Commits what is open, tidies up and lets nobody in any more.
    pub async fn close(&self) {
        if let Kept::File { checkpoints, .. } = &self.shared.kept {
            checkpoints.abort();
        }
        self.shared.writer.close().await;
        self.shared.reader.close().await;
        if let Kept::File { path, .. } = &self.shared.kept {
            let (path, limits) = (path.clone(), self.shared.options.limits);
            if let Err(error) = tokio::task::spawn_blocking(move || sqlite::truncate(&path, &limits)).await {
                tracing::error!(%error, "the last checkpoint failed");
            }
        }
    }
}

fn open_file(
    path: &Path,
    options: &DbOptions,
    told: Option<Arc<Notify>>,
    trouble: &Arc<Mutex<Option<String>>>,
) -> Result<(Writer, Reader, Kept), OpenError> {
    if rusqlite::version_number() < 3_051_003 {
        return Err(OpenError::Version { found: rusqlite::version().to_owned() });
    }
    let (runtime, limits) = (Handle::current(), options.limits);
    let writer = sqlite::Writer::open(path.to_owned(), limits, told, Arc::clone(trouble))?;
    let reader = sqlite::Reader::new(path.to_owned(), limits, options.readers, runtime.clone());
    let checkpoints = runtime.spawn(sqlite::keep_short(path.to_owned(), limits)).abort_handle();
    Ok((Writer::Sqlite(writer), Reader::from(reader), Kept::File { path: path.to_owned(), checkpoints }))
}
