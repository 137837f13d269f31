//! A domain's database, migrated and open. Rule: a SQLite file is migrated by whoever opens it; PostgreSQL never is.

use crate::config::{Config, Storage};
use crate::data_dir::{self, Lock};
use crate::migrate::{Migrated, Migrations};
use crate::module::{Deps, Module};
use crate::start_error::StartError;
use db::{Db, DbOptions, OpenError};
use secrecy::ExposeSecret;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::watch;

/// A domain with its database, before it is mounted.
pub(crate) struct Opened {
    pub(crate) module: Module,
    pub(crate) db: Db,
    pub(crate) migrated: Migrated,
}

/// Files that this process has for itself.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// Where they are; none where the process needs no directory and has none.
    pub(crate) directory: Option<PathBuf>,
    pub(crate) locks: Vec<Lock>,
}

impl Files {
    /// Makes and locks what the modules need.
    pub(crate) fn take(config: &Config, modules: &[Module]) -> Result<Self, StartError> {
        let on_files = |module: &&Module| matches!(config.storage(module.name()), Storage::File(_));
        let needed: Vec<&Module> = modules.iter().filter(on_files).collect();
        if needed.is_empty() {
            let directory = data_dir::is_usable(&config.data_dir).then(|| config.data_dir.clone());
            return Ok(Self { directory, locks: Vec::new() });
        }
        data_dir::make(&config.data_dir)?;
        let locks = needed.into_iter().map(|module| data_dir::lock(&config.data_dir, module.name()));
        Ok(Self { locks: locks.collect::<Result<_, _>>()?, directory: Some(config.data_dir.clone()) })
    }

    /// Whether another process serves the domain from its file.
    pub(crate) fn are_served(config: &Config, module: &Module) -> bool {
        let on_files = matches!(config.storage(module.name()), Storage::File(_));
        on_files && data_dir::is_locked(&config.data_dir, module.name())
    }

    /// What a command uses of the files that another process has.
    pub(crate) fn of_another(config: &Config) -> Self {
        Self { directory: Some(config.data_dir.clone()), locks: Vec::new() }
    }
}

/// Opens the database of one domain. Of PostgreSQL it is an error that migrations are pending; who serves waits for
/// them before.
pub(crate) async fn open_one(module: Module, config: &Config) -> Result<Opened, StartError> {
    let migrated = match (module.migrations, config.storage(module.name())) {
        (None, _) => Migrated::default(),
        (Some(migrations), storage @ Storage::File(_)) => (migrations.up)(storage).await?,
        (Some(migrations), storage @ Storage::Postgres { .. }) => up_to_date(migrations, storage).await?,
    };
    open(module, config, migrated).await
}

/// Opens the database of a domain that another process serves, and never migrates it.
pub(crate) async fn open_served(module: Module, config: &Config) -> Result<Opened, StartError> {
    let migrated = match module.migrations {
        None => Migrated::default(),
        Some(migrations) => up_to_date(migrations, config.storage(module.name())).await?,
    };
    open(module, config, migrated).await
}

async fn up_to_date(migrations: Migrations, storage: Storage) -> Result<Migrated, StartError> {
    let fix = match &storage {
        Storage::File(path) => format!(
            "{} lacks migrations that this version has: start this version on it first, which applies them",
            path.display()
        ),
        Storage::Postgres { schema, .. } => format!("migrations of {schema} are pending: run `cleave migrate up`"),
    };
    let state = (migrations.look)(storage).await?;
    if state.pending.is_empty() { Ok(Migrated { before: state.applied, now: 0 }) } else { Err(StartError::new(fix)) }
}

async fn open(module: Module, config: &Config, migrated: Migrated) -> Result<Opened, StartError> {
    let storage = config.storage(module.name());
    let mut options = match storage {
        Storage::File(path) => DbOptions::file(path),
        Storage::Postgres { url, schema } => DbOptions::postgres(url.expose_secret(), schema),
    };
    options.clock = Arc::clone(&config.seams.clock);
    options.readers = config.seams.readers.unwrap_or(options.readers);
    options.limits = config.seams.limits;
    options.wake_up = config.seams.wake_up;
    let db = Db::open(options).await.map_err(|error| cannot_open(&error, config.storage(module.name())))?;
    Ok(Opened { module, db, migrated })
}

fn cannot_open(error: &OpenError, storage: Storage) -> StartError {
    let cause = error.source().map(|source| format!(": {source}")).unwrap_or_default();
    StartError::new(match storage {
        Storage::File(_) if matches!(error, OpenError::Damaged { .. }) => {
            format!("{error}; restore it from a backup, or choose another --data-dir (CLEAVE_DATA_DIR)")
        }
        Storage::File(_) => {
            format!("{error}{cause}; make the file usable, or choose another --data-dir (CLEAVE_DATA_DIR)")
        }
        Storage::Postgres { .. } => format!("{error}{cause}"),
    })
}

/// What the domain is given.
pub(crate) fn deps_of(
    opened: &Opened,
    config: &Arc<Config>,
    directory: Option<PathBuf>,
    stopping: watch::Receiver<bool>,
) -> Deps {
    Deps {
        db: opened.db.clone(),
        config: Arc::clone(config),
        clock: Arc::clone(&config.seams.clock),
        public_url: config.public_url.clone().unwrap_or_default(),
        first_start: opened.migrated.before == 0,
        data_dir: directory,
        stopping,
    }
}
