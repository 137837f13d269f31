//! From settings and modules to a process that listens. Rule: what can be refused is refused before anything is
//! written; HTTP is the last to start, so that no request meets half a system.

use super::{Domain, Jobs, Server};
use crate::bind;
use crate::cleanup;
use crate::config::Config;
use crate::data_dir::{self, AddressFile, Lock};
use crate::http::{Http, Site};
use crate::job::Job;
use crate::migrate::Migrated;
use crate::module::{Deps, Module, Mounted, Routes};
use crate::process::Process;
use crate::routes::Pages;
use crate::screen::screen;
use crate::start_error::StartError;
use actix_web::web::Data;
use bus::{EventBus, InProcess};
use db::{Db, DbOptions, OpenError};
use outbox::{Listeners, Messaging, Options};
use std::error::Error;
use std::sync::Arc;
use tokio::task::JoinSet;
use web::{Edge, KeySource, Verifier};

/// A domain with its files, before it is mounted.
struct Opened {
    module: Module,
    db: Db,
    migrated: Migrated,
}

/// What the mounted domains bring, taken apart.
#[derive(Default)]
struct Brought {
    routes: Vec<Routes>,
    listeners: Vec<Option<Listeners>>,
    jobs: Vec<(Job, Db)>,
    key_source: Option<Arc<dyn KeySource>>,
    notices: Vec<String>,
}

/// Starts a process and returns when it listens. Its tasks run on the tokio runtime that this is called on.
///
/// # Errors
/// One line that names the fix; nothing is left running.
pub async fn serve(config: Config, modules: Vec<Module>) -> Result<Server, StartError> {
    web::install_crypto();
    let (served, absent) = choose(modules, &config.domains)?;
    let listener = bind::bind(&config.host, config.port).await?;
    let address = listener.local_addr().map_err(|error| StartError::new(format!("the listening socket: {error}")))?;
    let public_url = config.public_url.clone().unwrap_or_else(|| bind::url(&config.host, address));
    let config = Arc::new(Config { public_url: Some(public_url.clone()), ..config });
    data_dir::make(&config.data_dir)?;
    let locks = served
        .iter()
        .map(|module| data_dir::lock(&config.data_dir, module.name()))
        .collect::<Result<Vec<Lock>, _>>()?;
    AddressFile::forget(&config.data_dir);
    let opened = open(&served, &config).await?;
    let brought = mount(&opened, &config, &public_url).await?;
    let (verifier, key_source) = verify_with(brought.key_source, &config, &public_url).await?;

    let bus: Arc<dyn EventBus> = Arc::new(InProcess::new(served.iter().map(Module::name)));
    let domains = listen(opened, brought.listeners, &bus, &config).await;
    let clock = Arc::clone(&config.seams.clock);
    let process = Process::new(public_url.clone(), domains, Arc::clone(&bus), Arc::clone(&verifier), clock);
    let process = Arc::new(process);
    let site = Site {
        process: Arc::clone(&process),
        edge: Data::new(Edge { tls: public_url.starts_with("https:"), ..Edge::new(Arc::clone(&config.seams.clock)) }),
        verifier: Arc::clone(&verifier),
        routes: brought.routes,
        absent,
        pages: Data::new(Pages::new(&public_url, &served)),
        head_deadline: config.seams.head_deadline,
    };
    let address_file = AddressFile::write(&config.data_dir, address)?;
    let http = Http::start(listener, site, config.seams.http_workers).await?;
    let notices = [config.notices.clone(), brought.notices].concat();
    Ok(Server {
        address,
        screen: screen(&public_url, &process.domains, bus.status().kind, &notices),
        drain_delay: config.drain_delay,
        jobs: Jobs::start(brought.jobs),
        following: JoinSet::from_iter([verifier.follow(key_source)]),
        process,
        bus,
        http,
        address_file,
        locks,
    })
}

/// Those to serve, in the order of the binary, and the rest.
fn choose(modules: Vec<Module>, wanted: &[String]) -> Result<(Vec<Module>, Vec<Module>), StartError> {
    if let Some(unknown) = wanted.iter().find(|name| !modules.iter().any(|module| module.name() == **name)) {
        return Err(StartError::new(format!("this binary does not hold the domain {unknown}: correct CLEAVE_DOMAINS")));
    }
    Ok(modules.into_iter().partition(|module| wanted.is_empty() || wanted.iter().any(|name| name == module.name())))
}

async fn open(served: &[Module], config: &Config) -> Result<Vec<Opened>, StartError> {
    let mut opened = Vec::with_capacity(served.len());
    for module in served {
        let path = config.data_dir.join(format!("{}.db", module.name()));
        let migrated = match module.migrate {
            Some(migrate) => migrate(path.clone()).await?,
            None => Migrated::default(),
        };
        let mut options = DbOptions::file(path);
        options.clock = Arc::clone(&config.seams.clock);
        options.readers = config.seams.readers.unwrap_or(options.readers);
        options.limits = config.seams.limits;
        options.wake_up = config.seams.wake_up;
        let db = Db::open(options).await.map_err(|error| cannot_open(&error))?;
        opened.push(Opened { module: module.clone(), db, migrated });
    }
    Ok(opened)
}

fn cannot_open(error: &OpenError) -> StartError {
    let cause = error.source().map(|source| format!(": {source}")).unwrap_or_default();
    StartError::new(format!("{error}{cause}; make the file usable, or choose another --data-dir (CLEAVE_DATA_DIR)"))
}

async fn mount(opened: &[Opened], config: &Arc<Config>, public_url: &str) -> Result<Brought, StartError> {
    let mut brought = Brought::default();
    for Opened { module, db, migrated } in opened {
        let deps = Deps {
            db: db.clone(),
            config: Arc::clone(config),
            clock: Arc::clone(&config.seams.clock),
            public_url: public_url.to_owned(),
            first_start: migrated.before == 0,
        };
        let mounted = match &module.mount {
            Some(mount) => mount(deps).await?,
            None => Mounted::new(),
        };
        brought.routes.extend(mounted.routes);
        brought.listeners.push(mounted.listeners);
        brought.jobs.extend(mounted.jobs.into_iter().chain([cleanup::job()]).map(|job| (job, db.clone())));
        brought.key_source = mounted.key_source.or(brought.key_source);
        brought.notices.extend(mounted.notices);
    }
    Ok(brought)
}

/// Loads the keys once, so that the first request finds them.
async fn verify_with(
    brought: Option<Arc<dyn KeySource>>,
    config: &Config,
    public_url: &str,
) -> Result<(Arc<Verifier>, Arc<dyn KeySource>), StartError> {
    let source = brought.or_else(|| config.seams.key_source.clone()).ok_or_else(|| {
        StartError::new(
            "no served domain brings the keys that tokens are verified with: add user to CLEAVE_DOMAINS \
             (keys of another process are not available in this version)",
        )
    })?;
    let verifier = Arc::new(Verifier::new(public_url.to_owned(), Arc::clone(&config.seams.clock)));
    let loaded = verifier.load(source.as_ref()).await;
    loaded.map_err(|error| {
        StartError::new(format!("the keys that tokens are verified with cannot be loaded: {error}"))
    })?;
    Ok((verifier, source))
}

async fn listen(
    opened: Vec<Opened>,
    listeners: Vec<Option<Listeners>>,
    bus: &Arc<dyn EventBus>,
    config: &Config,
) -> Vec<Domain> {
    let mut domains = Vec::with_capacity(opened.len());
    for (Opened { module, db, migrated }, listeners) in opened.into_iter().zip(listeners) {
        let name = module.name();
        let messaging = Messaging::start(Options {
            domain: name,
            db: db.clone(),
            bus: Arc::clone(bus),
            listeners: listeners.unwrap_or_else(|| Listeners::new(name)),
            tuning: config.seams.relay.clone(),
        })
        .await;
        domains.push(Domain { name, db, messaging, migrated });
    }
    domains
}

impl Jobs {
    fn start(jobs: Vec<(Job, Db)>) -> Self {
        let mut started = Self::default();
        for (job, db) in jobs {
            started.wakers.push(job.waker());
            started.tasks.spawn(job.repeat(db, started.stop.subscribe()));
        }
        started
    }
}
