//! `openapi`: what `/openapi.json` answers, without a running system.

use super::say;
use crate::config::Config;
use crate::description;
use crate::module::Module;
use crate::start_error::StartError;
use std::process::ExitCode;

/// Prints the document of the domains that are served or handed on here.
pub(crate) fn openapi(config: &Config, modules: Vec<Module>) -> Result<ExitCode, StartError> {
    let places = config.arrange(modules)?;
    say(description::text(&places.documented()).trim_end())?;
    Ok(ExitCode::SUCCESS)
}
