#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod modules;

use futures_util::future::BoxFuture;
use runtime::{Config, ServeFlags, Server, StartError};
use serde_json::Value;
use std::process::ExitCode;

/// What the binary `cleave` does: reads its command line and serves until it is told to stop.
#[must_use]
pub fn run() -> ExitCode {
    runtime::run(modules::all())
}

/// Starts the whole system inside the present process, for tests.
#[must_use]
pub fn serve(config: Config) -> BoxFuture<'static, Result<Server, StartError>> {
    Box::pin(runtime::serve(config, modules::all()))
}

/// The document of the whole API, for tests.
#[must_use]
pub fn openapi() -> Value {
    runtime::document(&modules::all()).value
}

/// The settings that the binary reads where its command line says nothing, for tests that are processes of a system.
///
/// # Errors
/// As for [`Config::load`].
pub fn settings() -> Result<Config, StartError> {
    Config::load(&ServeFlags::default(), &modules::all())
}
