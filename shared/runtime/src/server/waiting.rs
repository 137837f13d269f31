//! A process whose databases are not migrated yet. Rule: it lives, says that it is not ready and why, and begins to
//! serve as soon as somebody has migrated them, without being started again.

use crate::config::{Config, Places, Storage};
use crate::data_dir::AddressFile;
use crate::gateway::Gateway;
use crate::http::{Http, Site};
use crate::metrics::Requests;
use crate::module::Module;
use crate::process::Process;
use crate::routes::Pages;
use crate::start_error::StartError;
use actix_web::web::Data;
use bus::InProcess;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;
use web::{Edge, Verifier};

/// Between two looks at the databases.
const LOOK: Duration = Duration::from_millis(500);

/// Returns when nothing is pending in PostgreSQL any more; meanwhile serves health on `listener`.
pub(super) async fn until_migrated(
    listener: &TcpListener,
    config: &Config,
    mounted: &[Module],
    directory: Option<&Path>,
) -> Result<(), StartError> {
    if config.seams.migrates {
        for module in mounted {
            if let Some(migrations) = module.migrations {
                (migrations.up)(config.storage(module.name())).await?;
            }
        }
    }
    let waiting = pending(config, mounted).await?;
    if waiting.is_empty() {
        return Ok(());
    }
    let what = waiting.join(", ");
    tracing::warn!("migrations of {what} are pending: run `cleave migrate up`; until then nothing is served");
    let failed = |error| StartError::new(format!("the listening socket: {error}"));
    let address = listener.local_addr().map_err(failed)?;
    let _told = directory.map(|directory| AddressFile::write(directory, address)).transpose()?;
    let mut http = Http::start(listener.try_clone().map_err(failed)?, site(config, waiting)?, Some(1)).await?;
    let mut told = None;
    loop {
        sleep(LOOK).await;
        let error = match pending(config, mounted).await {
            Ok(pending) if pending.is_empty() => break,
            looked => looked.err(),
        };
        // Once for each trouble, not twice a second.
        if let Some(error) = error.as_ref().filter(|error| told.as_ref() != Some(*error)) {
            tracing::warn!(%error, "whether migrations are pending cannot be told");
        }
        told = error;
    }
    http.stop().await;
    tracing::info!("nothing is pending any more");
    Ok(())
}

/// The domains with pending migrations, by name.
async fn pending(config: &Config, mounted: &[Module]) -> Result<Vec<&'static str>, StartError> {
    let mut names = Vec::new();
    for module in mounted {
        let storage = config.storage(module.name());
        if let (Some(migrations), Storage::Postgres { .. }) = (module.migrations, &storage)
            && !(migrations.look)(storage).await?.pending.is_empty()
        {
            names.push(module.name());
        }
    }
    Ok(names)
}

/// Health and nothing else.
fn site(config: &Config, waiting: Vec<&'static str>) -> Result<Site, StartError> {
    let public_url = config.public_url.clone().unwrap_or_default();
    let clock = Arc::clone(&config.seams.clock);
    let verifier = Arc::new(Verifier::new(public_url.clone(), Arc::clone(&clock)));
    let nowhere = Places { mounted: Vec::new(), remote: Vec::new(), absent: Vec::new() };
    Ok(Site {
        process: Arc::new(Process {
            public_url: public_url.clone(),
            domains: Vec::new(),
            remote: Vec::new(),
            bus: Arc::new(InProcess::new([])),
            verifier: Arc::clone(&verifier),
            has_keys: false,
            clock: Arc::clone(&clock),
            stopping: watch::Sender::new(false),
            waiting,
        }),
        edge: Data::new(Edge::new(clock)),
        verifier,
        routes: Vec::new(),
        gateway: Arc::new(Gateway::new(&nowhere, &config.seams.gateway)?),
        requests: Data::new(Requests::new()?),
        head_deadline: config.seams.head_deadline,
        unread_deadline: config.seams.unread_deadline,
        absent: Vec::new(),
        pages: Data::new(Pages::new(&[])),
    })
}
