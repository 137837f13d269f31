//! A domain's tables, brought up to date before its database is opened. Rule: a SQLite file by whoever starts, because
//! nobody else has it; a PostgreSQL schema on request, because others work on it.

mod file;
mod postgres;

use crate::config::Storage;
use crate::start_error::StartError;
use db::Server;
use futures_util::future::BoxFuture;
use sea_orm_migration::MigratorTrait;
use secrecy::ExposeSecret;
use std::fmt;

type Step<T> = fn(Storage) -> BoxFuture<'static, Result<T, StartError>>;

/// What can be done with a domain's migrations.
#[derive(Clone, Copy)]
pub(crate) struct Migrations {
    /// Applies what is pending.
    pub(crate) up: Step<Migrated>,
    /// Tells what was applied and what is pending, and writes nothing.
    pub(crate) look: Step<State>,
}

impl Migrations {
    pub(crate) fn of<M: MigratorTrait>() -> Self {
        Self {
            up: |storage| {
                Box::pin(async move {
                    match storage {
                        Storage::File(path) => file::up::<M>(&path).await,
                        Storage::Postgres { url, schema } => postgres::up::<M>(&server(&url, schema)).await,
                    }
                })
            },
            look: |storage| {
                Box::pin(async move {
                    match storage {
                        Storage::File(path) => file::look::<M>(&path).await,
                        Storage::Postgres { url, schema } => postgres::look::<M>(&server(&url, schema)).await,
                    }
                })
            },
        }
    }
}

fn server(url: &secrecy::SecretString, schema: String) -> Server {
    Server::new(url.expose_secret(), schema)
}

/// How far a database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    /// How many of those that this version knows were applied.
    pub(crate) applied: usize,
    /// Those that were not.
    pub(crate) pending: Vec<String>,
}

impl State {
    fn of<M: MigratorTrait>(applied: Vec<String>) -> Self {
        let known = M::migrations().into_iter().map(|migration| migration.name().to_owned());
        let (applied, pending): (Vec<_>, Vec<_>) = known.partition(|name| applied.contains(name));
        Self { applied: applied.len(), pending }
    }
}

/// What was found and what was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Migrated {
    /// Applied before.
    pub(crate) before: usize,
    /// Applied now.
    pub(crate) now: usize,
}

impl Migrated {
    /// None is ever pending after a start: what is pending is applied or waited for.
    pub(crate) const fn total(self) -> usize {
        self.before + self.now
    }
}

impl fmt::Display for Migrated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.total() == 1 { "" } else { "s" };
        write!(f, "{} migration{plural} applied", self.total())?;
        if self.now > 0 { write!(f, ", {} of them now", self.now) } else { Ok(()) }
    }
}
