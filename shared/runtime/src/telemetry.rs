//! Structured logs. Rule: one subscriber for the process, on standard error: text for a person at a terminal, JSON
//! for a machine.

use crate::config::{Config, LogFormat};
use std::io::{IsTerminal, stderr};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// What libraries say at `info` at every start, and what lapin says at `error` of a broker that the bus reports by
/// itself; an operator who names the target gets it.
const QUIET: &str = "actix_server=warn,sea_orm_migration=warn,sqlx=warn,lapin=off";

/// Installs the subscriber; a process that has one keeps it.
pub fn init(config: &Config) {
    let Ok(filter) = filter(&config.log) else { return };
    let text = match config.log_format {
        LogFormat::Auto => stderr().is_terminal(),
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    // A line that cannot be written is lost. Told to say so, the library says it on the same standard error with a macro
    // that panics, in whatever task it is: a full disk under a log would end them all.
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr).log_internal_errors(false);
    // A subscriber that is already there belongs to a test harness.
    let _ = if text {
        lines.with_ansi(stderr().is_terminal()).try_init().err()
    } else {
        lines.json().flatten_event(true).with_span_list(false).try_init().err()
    };
}

/// The filter of those directives.
pub(crate) fn filter(directives: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::builder().parse(format!("{QUIET},{directives}"))
}
