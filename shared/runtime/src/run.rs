//! What `main` of every binary calls. Rule: it builds and waits; whatever stops a start is one line on standard error
//! and exit code 2.

use crate::command::DomainCommand;
use crate::commands;
use crate::config::Config;
use crate::flags::{Bus, Command, CommandLine, Migrate, PlaceFlags, ServeFlags};
use crate::module::Module;
use crate::server::{Server, serve};
use crate::signals::Signals;
use crate::start_error::StartError;
use crate::telemetry;
use clap::{Args, CommandFactory, FromArgMatches};
use std::io::{IsTerminal, Write, stderr, stdout};
use std::process::ExitCode;

/// The process could not start.
const NOT_STARTED: u8 = 2;
/// The process was told twice to stop, or its HTTP server ended by itself.
const CUT_OFF: u8 = 1;
/// Threads for relays, inboxes, jobs and commits; HTTP has threads of its own.
const THREADS: usize = 2;

/// Reads the command line, does what it says, which is to serve `modules` until a signal says stop when it says
/// nothing, and tells how it went.
#[must_use]
pub fn run(modules: Vec<Module>) -> ExitCode {
    let asked = match command_line(&modules) {
        Ok(asked) => asked,
        Err(error) => {
            // Help and version are errors to clap, with exit code 0. Nobody is left to tell that printing failed.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(NOT_STARTED));
        }
    };
    match started(asked, modules) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(stderr(), "cleave: {error}");
            ExitCode::from(NOT_STARTED)
        }
    }
}

/// What the command line says.
struct Asked {
    flags: ServeFlags,
    what: What,
}

enum What {
    Serve,
    MigrateUp,
    MigrateStatus,
    /// That domain, at the broker.
    Forget(String),
    /// A subcommand that a domain brings.
    OfDomain(Box<DomainCommand>),
}

/// A binary that holds one domain is called after it.
fn command_line(modules: &[Module]) -> Result<Asked, clap::Error> {
    let name = match modules {
        [alone] => format!("cleave-{}", alone.name()),
        _ => "cleave".to_owned(),
    };
    let mut line = CommandLine::command().display_name(name.clone()).bin_name(name);
    for command in modules.iter().flat_map(|module| &module.commands) {
        line = line.subcommand(PlaceFlags::augment_args(command.line.clone()));
    }
    let matches = line.try_get_matches()?;
    if let Some(command) = DomainCommand::of(&matches, modules)? {
        return Ok(Asked { flags: command.place.of_serve(), what: What::OfDomain(Box::new(command)) });
    }
    let CommandLine { command, serve } = CommandLine::from_arg_matches(&matches)?;
    Ok(match command {
        None => Asked { flags: serve, what: What::Serve },
        Some(Command::Serve(flags)) => Asked { flags, what: What::Serve },
        Some(Command::Migrate { what: Migrate::Up(place) }) => Asked { flags: place.of_serve(), what: What::MigrateUp },
        Some(Command::Migrate { what: Migrate::Status(place) }) => {
            Asked { flags: place.of_serve(), what: What::MigrateStatus }
        }
        Some(Command::Bus { what: Bus::Forget { domain, place } }) => {
            Asked { flags: place.of_serve(), what: What::Forget(domain) }
        }
    })
}

fn started(asked: Asked, modules: Vec<Module>) -> Result<ExitCode, StartError> {
    let mut config = Config::load(&asked.flags, &modules)?;
    config.terminal = stdout().is_terminal();
    telemetry::init(&config);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build();
    let runtime = runtime.map_err(|error| StartError::new(format!("cannot start the runtime: {error}")))?;
    let code = runtime.block_on(async {
        match asked.what {
            What::Serve => serve_until_told(config, modules).await,
            What::MigrateUp => commands::migrate_up(&config, modules).await,
            What::MigrateStatus => commands::migrate_status(&config, modules).await,
            What::Forget(domain) => commands::forget(&config, &domain).await,
            What::OfDomain(command) => command.run(config, modules).await,
        }
    });
    // Not waited for: after a second signal there may be tasks that do not end.
    runtime.shutdown_background();
    code
}

async fn serve_until_told(config: Config, modules: Vec<Module>) -> Result<ExitCode, StartError> {
    let mut signals = Signals::listen()?;
    let server = tokio::select! {
        server = serve(config, modules) => server?,
        signal = signals.next() => {
            tracing::info!(signal, "stopped before it served");
            return Ok(ExitCode::SUCCESS);
        }
    };
    // A closed standard output is no reason not to serve.
    let _ = writeln!(stdout(), "{}", server.screen());
    Ok(until_told(server, signals).await)
}

async fn until_told(server: Server, mut signals: Signals) -> ExitCode {
    tokio::select! {
        signal = signals.next() => tracing::info!(signal, "stopping"),
        () = server.join() => {
            tracing::error!("the HTTP server ended by itself");
            server.stop().await;
            return ExitCode::from(CUT_OFF);
        }
    }
    tokio::select! {
        () = server.stop() => ExitCode::SUCCESS,
        signal = signals.next() => {
            tracing::warn!(signal, "told twice to stop: what was under way is cut off");
            ExitCode::from(CUT_OFF)
        }
    }
}
