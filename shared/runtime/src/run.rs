//! What `main` of every binary calls. Rule: it builds and waits; whatever stops a start is one line on standard error
//! and exit code 2.

use crate::command_line::{Asked, What, command_line, name};
use crate::commands;
use crate::config::{Config, without_login};
use crate::module::Module;
use crate::server::{Server, serve};
use crate::signals::Signals;
use crate::start_error::StartError;
use crate::telemetry;
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
            tell(&error);
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(NOT_STARTED));
        }
    };
    let name = name(&modules);
    match started(asked, modules) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(stderr(), "{name}: {error}");
            ExitCode::from(NOT_STARTED)
        }
    }
}

/// Help and version are errors to clap, too. Nobody is left to tell that printing failed.
fn tell(error: &clap::Error) {
    let text = error.to_string();
    let _ = if error.use_stderr() && text.contains('@') {
        // It repeats what was typed.
        let lines: Vec<_> = text.lines().map(without_login).collect();
        writeln!(stderr(), "{}", lines.join("\n"))
    } else {
        error.print()
    };
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
            What::OpenApi => commands::openapi(&config, modules),
            What::Events(asked) => commands::events(&config, *asked).await,
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
