//! A subcommand that a domain brings. Rule: it is given what a starting domain is given, does one thing, says one line,
//! and is gone; so no binary has to know what its domains can do.

use crate::config::Config;
use crate::flags::DatabaseFlags;
use crate::module::{Deps, Module};
use crate::server::{Files, deps_of, open_one, open_served};
use crate::start_error::StartError;
use clap::{ArgMatches, FromArgMatches};
use futures_util::future::BoxFuture;
use std::fmt;
use std::io::{Write, stdout};
use std::process::ExitCode;
use std::sync::Arc;
use tokio::sync::watch;

type Run = Arc<dyn Fn(Deps, ArgMatches) -> BoxFuture<'static, Result<String, StartError>> + Send + Sync>;

/// A subcommand of every binary that holds the domain.
#[derive(Clone)]
pub struct Command {
    pub(crate) line: clap::Command,
    pub(crate) run: Run,
    beside: bool,
}

impl Command {
    /// A subcommand with that command line. `run` gets the domain's database, migrated, and what was parsed; what it
    /// returns is printed.
    #[must_use]
    pub fn new<F>(line: clap::Command, run: F) -> Self
    where
        F: Fn(Deps, ArgMatches) -> BoxFuture<'static, Result<String, StartError>> + Send + Sync + 'static,
    {
        Self { line, run: Arc::new(run), beside: false }
    }

    /// May also be given while a process serves the domain from SQLite files: for what the process finds in its tables
    /// by itself, and nobody may have to stop it for. It migrates nothing then.
    #[must_use]
    pub const fn beside(mut self) -> Self {
        self.beside = true;
        self
    }

    pub(crate) fn name(&self) -> &str {
        self.line.get_name()
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command").field("name", &self.name()).finish_non_exhaustive()
    }
}

/// A subcommand of a domain, as it was typed.
pub(crate) struct DomainCommand {
    pub(crate) place: DatabaseFlags,
    command: Command,
    domain: &'static str,
    matches: ArgMatches,
}

impl DomainCommand {
    /// The one that was typed, if it was one.
    pub(crate) fn of(matches: &ArgMatches, modules: &[Module]) -> Result<Option<Self>, clap::Error> {
        let Some((name, matches)) = matches.subcommand() else { return Ok(None) };
        for module in modules {
            if let Some(command) = module.commands.iter().find(|command| command.name() == name) {
                let place = DatabaseFlags::from_arg_matches(matches)?;
                let (command, matches) = (command.clone(), matches.clone());
                return Ok(Some(Self { place, command, domain: module.name(), matches }));
            }
        }
        Ok(None)
    }

    /// Does it on the domain's database.
    pub(crate) async fn run(self, config: Config, modules: Vec<Module>) -> Result<ExitCode, StartError> {
        web::install_crypto();
        let Self { command, domain, matches, .. } = self;
        let mounted = config.arrange(modules)?.mounted;
        let module = mounted.into_iter().find(|module| module.name() == domain).ok_or_else(|| {
            StartError::new(format!("{domain} is not served here: do it where CLEAVE_DOMAINS says that it is"))
        })?;
        let (files, opened) = match Files::take(&config, std::slice::from_ref(&module)) {
            Err(_) if command.beside && Files::are_served(&config, &module) => {
                (Files::of_another(&config), open_served(module, &config).await?)
            }
            files => (files?, open_one(module, &config).await?),
        };
        let (_stopping, stopped) = watch::channel(false);
        let deps = deps_of(&opened, &Arc::new(config), files.directory.clone(), stopped);
        let done = (command.run)(deps, matches).await;
        opened.db.close().await;
        // A closed standard output does not undo it.
        let _ = writeln!(stdout(), "{}", done?);
        Ok(ExitCode::SUCCESS)
    }
}
