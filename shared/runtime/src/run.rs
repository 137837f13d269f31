//! What `main` of every binary calls. Rule: it builds and waits; whatever stops a start is one line on standard error
//! and exit code 2.

use crate::config::Config;
use crate::flags::{Command, CommandLine, ServeFlags};
use crate::module::Module;
use crate::server::{Server, serve};
use crate::signals::Signals;
use crate::start_error::StartError;
use crate::telemetry;
use clap::{CommandFactory, FromArgMatches};
use std::io::{IsTerminal, Write, stderr, stdout};
use std::process::ExitCode;

/// The process could not start.
const NOT_STARTED: u8 = 2;
/// The process was told twice to stop, or its HTTP server ended by itself.
const CUT_OFF: u8 = 1;
/// Threads for relays, inboxes, jobs and commits; HTTP has threads of its own.
const THREADS: usize = 2;

/// Reads the command line, serves `modules` until a signal says stop, and tells how it went.
#[must_use]
pub fn run(modules: Vec<Module>) -> ExitCode {
    let flags = match command_line(&modules) {
        Ok(CommandLine { command: Some(Command::Serve(flags)), .. } | CommandLine { command: None, serve: flags }) => {
            flags
        }
        Err(error) => {
            // Help and version are errors to clap, with exit code 0. Nobody is left to tell that printing failed.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(NOT_STARTED));
        }
    };
    match started(&flags, modules) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(stderr(), "cleave: {error}");
            ExitCode::from(NOT_STARTED)
        }
    }
}

/// A binary that holds one domain is called after it.
fn command_line(modules: &[Module]) -> Result<CommandLine, clap::Error> {
    let name = match modules {
        [alone] => format!("cleave-{}", alone.name()),
        _ => "cleave".to_owned(),
    };
    let matches = CommandLine::command().display_name(name.clone()).bin_name(name).try_get_matches()?;
    CommandLine::from_arg_matches(&matches)
}

fn started(flags: &ServeFlags, modules: Vec<Module>) -> Result<ExitCode, StartError> {
    let mut config = Config::load(flags, &modules)?;
    config.terminal = stdout().is_terminal();
    telemetry::init(&config);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build();
    let runtime = runtime.map_err(|error| StartError::new(format!("cannot start the runtime: {error}")))?;
    let code = runtime.block_on(async {
        let signals = Signals::listen()?;
        let server = serve(config, modules).await?;
        // A closed standard output is no reason not to serve.
        let _ = writeln!(stdout(), "{}", server.screen());
        Ok(until_told(server, signals).await)
    });
    // Not waited for: after a second signal there may be tasks that do not end.
    runtime.shutdown_background();
    code
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
