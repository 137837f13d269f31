//! `migrate up` and `migrate status`, for the domains that are mounted here.

use super::say;
use crate::config::{Config, Storage};
use crate::module::Module;
use crate::server::Files;
use crate::start_error::StartError;
use db::Server;
use secrecy::ExposeSecret;
use std::process::ExitCode;

/// Something is pending.
const PENDING: u8 = 1;

/// Applies what is pending, domain by domain.
pub(crate) async fn up(config: &Config, modules: Vec<Module>) -> Result<ExitCode, StartError> {
    let mounted = config.arrange(modules)?.mounted;
    let _files = Files::take(config, &mounted)?;
    for module in &mounted {
        let Some(migrations) = module.migrations else { continue };
        let storage = config.storage(module.name());
        let place = location(&storage);
        let migrated = (migrations.up)(storage).await?;
        say(&format!("{}  {place}  {migrated}", module.name()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Tells what is pending.
pub(crate) async fn status(config: &Config, modules: Vec<Module>) -> Result<ExitCode, StartError> {
    let mut all = 0;
    for module in &config.arrange(modules)?.mounted {
        let Some(migrations) = module.migrations else { continue };
        let storage = config.storage(module.name());
        let place = location(&storage);
        let state = (migrations.look)(storage).await?;
        all += state.pending.len();
        let pending = if state.pending.is_empty() { "none".to_owned() } else { state.pending.join(", ") };
        say(&format!("{}  {place}  {} applied, pending: {pending}", module.name(), state.applied))?;
    }
    Ok(if all == 0 { ExitCode::SUCCESS } else { ExitCode::from(PENDING) })
}

fn location(storage: &Storage) -> String {
    match storage {
        Storage::File(path) => path.display().to_string(),
        Storage::Postgres { url, schema } => Server::new(url.expose_secret(), schema).location(),
    }
}
