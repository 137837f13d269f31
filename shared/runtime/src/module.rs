//! The seam between a domain and the process that serves it. Rule: a domain says what it brings in one value;
//! nothing here knows which domains there are.

use crate::command::Command;
use crate::config::Config;
use crate::job::Job;
use crate::migrate::Migrations;
use crate::start_error::StartError;
use actix_web::web::ServiceConfig;
use contracts::Clock;
use db::Db;
use futures_util::future::BoxFuture;
use outbox::{Listeners, Snapshots};
use sea_orm_migration::MigratorTrait;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::watch;
use web::openapi::Described;
use web::{At, KeySource};

type Mount = Arc<dyn Fn(Deps) -> BoxFuture<'static, Result<Mounted, StartError>> + Send + Sync>;
type Table = Arc<dyn Fn() -> Vec<At> + Send + Sync>;
pub(crate) type Routes = Arc<dyn Fn(&mut ServiceConfig) + Send + Sync>;

/// A domain, before it is started: its name, its place in the URL space, its tables, and how to start it.
#[derive(Clone)]
pub struct Module {
    pub(crate) name: &'static str,
    pub(crate) prefixes: &'static [&'static str],
    table: Option<Table>,
    pub(crate) port: Option<u16>,
    pub(crate) migrations: Option<Migrations>,
    pub(crate) mount: Option<Mount>,
    pub(crate) brings_keys: bool,
    pub(crate) commands: Vec<Command>,
}

impl Module {
    /// A domain of that name; the name is also that of its database file, its lock, its inbox and its health.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            prefixes: &[],
            table: None,
            port: None,
            migrations: None,
            mount: None,
            brings_keys: false,
            commands: Vec::new(),
        }
    }

    /// The path prefixes that belong to it, whether it is served here or not.
    #[must_use]
    pub const fn prefixes(mut self, prefixes: &'static [&'static str]) -> Self {
        self.prefixes = prefixes;
        self
    }

    /// The table of its routes. It is asked without the domain being started, so that a process which hands requests on
    /// can describe them as well.
    #[must_use]
    pub fn described_by(mut self, table: impl Fn() -> Vec<At> + Send + Sync + 'static) -> Self {
        self.table = Some(Arc::new(table));
        self
    }

    /// The default port of the binary that serves this domain alone.
    #[must_use]
    pub const fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// The tables of its database.
    #[must_use]
    pub fn migrations<M: MigratorTrait>(mut self) -> Self {
        self.migrations = Some(Migrations::of::<M>());
        self
    }

    /// What starts it, once its database is open.
    #[must_use]
    pub fn mount<F>(mut self, mount: F) -> Self
    where
        F: Fn(Deps) -> BoxFuture<'static, Result<Mounted, StartError>> + Send + Sync + 'static,
    {
        self.mount = Some(Arc::new(mount));
        self
    }

    /// Says that it brings [`Mounted::key_source`]: where it is served elsewhere, keys are fetched from there.
    #[must_use]
    pub const fn brings_keys(mut self) -> Self {
        self.brings_keys = true;
        self
    }

    /// A subcommand of every binary that holds it.
    #[must_use]
    pub fn command(mut self, command: Command) -> Self {
        self.commands.push(command);
        self
    }

    /// What the document says of its routes. Any of them may be served by another process, whose answer may not come.
    #[must_use]
    pub fn operations(&self) -> Vec<Described> {
        let table = self.table.as_ref().map(|table| table()).unwrap_or_default();
        let forwarded = |described: Described| Described { operation: described.operation.forwarded(), ..described };
        table.into_iter().flat_map(At::described).map(forwarded).collect()
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module").field("name", &self.name).field("prefixes", &self.prefixes).finish_non_exhaustive()
    }
}

/// What a starting domain is given.
#[derive(Clone)]
pub struct Deps {
    /// Its own database, migrated.
    pub db: Db,
    /// The process's settings; `public_url` is filled in here.
    pub config: Arc<Config>,
    /// The one source of instants.
    pub clock: Arc<dyn Clock>,
    /// How clients reach this process, without a slash at the end: the issuer of its tokens.
    pub public_url: String,
    /// True when this start made the domain's database.
    pub first_start: bool,
    /// Where files may be kept; none where the process needs no directory and has none.
    pub data_dir: Option<PathBuf>,
    /// Becomes true when the process begins to stop: what waits for news should answer.
    pub stopping: watch::Receiver<bool>,
}

impl fmt::Debug for Deps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deps").field("public_url", &self.public_url).finish_non_exhaustive()
    }
}

/// What a started domain brings into the process.
#[derive(Default)]
pub struct Mounted {
    pub(crate) routes: Vec<Routes>,
    pub(crate) listeners: Option<Listeners>,
    pub(crate) snapshots: Snapshots,
    pub(crate) jobs: Vec<Job>,
    pub(crate) key_source: Option<Arc<dyn KeySource>>,
    pub(crate) notices: Vec<String>,
}

impl Mounted {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Its HTTP routes; called once for each HTTP worker.
    #[must_use]
    pub fn routes(mut self, routes: impl Fn(&mut ServiceConfig) + Send + Sync + 'static) -> Self {
        self.routes.push(Arc::new(routes));
        self
    }

    /// What it does when it hears of something.
    #[must_use]
    pub fn listeners(mut self, listeners: Listeners) -> Self {
        self.listeners = Some(listeners);
        self
    }

    /// What it can say of its aggregates to those who were not there for their history.
    #[must_use]
    pub fn snapshots(mut self, snapshots: Snapshots) -> Self {
        self.snapshots = snapshots;
        self
    }

    /// Work that repeats.
    #[must_use]
    pub fn job(mut self, job: Job) -> Self {
        self.jobs.push(job);
        self
    }

    /// Keys and revocations for the process's token verifier; the user domain brings it.
    #[must_use]
    pub fn key_source(mut self, source: Arc<dyn KeySource>) -> Self {
        self.key_source = Some(source);
        self
    }

    /// A line for the operator, shown on the start screen.
    #[must_use]
    pub fn notice(mut self, line: impl Into<String>) -> Self {
        self.notices.push(line.into());
        self
    }
}

impl fmt::Debug for Mounted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mounted")
            .field("jobs", &self.jobs)
            .field("notices", &self.notices.len())
            .finish_non_exhaustive()
    }
}
