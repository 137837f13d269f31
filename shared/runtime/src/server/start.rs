//! From settings and modules to a process that listens. Rule: what can be refused is refused before anything is
//! written; HTTP is the last to start, so that no request meets half a system.

use super::opened::{Files, Opened, deps_of, open_one};
use super::waiting::until_migrated;
use super::{Domain, Jobs, Server};
use crate::bind;
use crate::cleanup;
use crate::config::{BusSetting, Config, Places};
use crate::data_dir::AddressFile;
use crate::gateway::Gateway;
use crate::http::{Http, Site};
use crate::job::Job;
use crate::metrics::{MetricsListener, Requests};
use crate::module::{Module, Mounted, Routes};
use crate::process::Process;
use crate::remote_keys::RemoteKeys;
use crate::routes::Pages;
use crate::screen::screen;
use crate::signals::survive_file_limits;
use crate::start_error::StartError;
use actix_web::web::Data;
use bus::EventBus;
use db::Db;
use futures_util::future::{BoxFuture, join_all, ready};
use outbox::{Listeners, Messaging, Options, Snapshots};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use web::{Edge, KeySource, Limiter, Network, Verifier};

/// How long a start waits until a domain that was just added knows of what was there before it.
const JOINING: Duration = Duration::from_secs(5);

/// How long a start waits until the consumers of a domain have said what they heard of it.
const CHECKING: Duration = Duration::from_secs(2);

/// Between two looks at whom the limit of requests may forget.
const FORGET: Duration = Duration::from_secs(60);

/// What the mounted domains bring, taken apart.
#[derive(Default)]
struct Brought {
    routes: Vec<Routes>,
    hearing: Vec<(Option<Listeners>, Snapshots)>,
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
    survive_file_limits()?;
    let places = config.places(modules)?;
    let listener = bind::bind(&config.host, config.port).await?;
    let address = listener.local_addr().map_err(|error| StartError::new(format!("the listening socket: {error}")))?;
    let public_url = config.public_url.clone().unwrap_or_else(|| bind::url(&config.host, address));
    let mut notices = config.notices.clone();
    notices.extend(foreign_issuer(&config, &places, &public_url).into_iter().chain(unheard(&config, &places)));
    let config = Arc::new(Config { public_url: Some(public_url.clone()), ..config });
    let gateway = Arc::new(Gateway::new(&places, &config.seams.gateway)?);
    let bus = super::bus::connect(&config, &places.mounted).await?;
    let files = Files::take(&config, &places.mounted)?;
    files.directory.iter().for_each(|directory| AddressFile::forget(directory));
    until_migrated(&listener, &config, &places.mounted, files.directory.as_deref()).await?;
    let opened = open(&places.mounted, &config).await?;
    let stopping = watch::Sender::new(false);
    let brought = mount(&opened, &config, files.directory.as_ref(), &stopping).await?;
    let mut following = JoinSet::new();
    let keys = key_source(brought.key_source, &config, &places, &mut following)?;
    let here = keys.as_ref().filter(|keys| keys.here).map(|keys| Arc::clone(&keys.source));
    let verifier = verify_with(here, &config, &public_url).await?;
    let domains = listen(opened, brought.hearing, &bus, &config).await;
    let cleaning = domains.iter().map(|domain| (cleanup::job(domain.messaging.lead()), domain.db.clone()));
    let jobs = brought.jobs.into_iter().chain(cleaning).collect();
    let process = Arc::new(Process {
        public_url: public_url.clone(),
        domains,
        remote: gateway.services.clone(),
        bus: Arc::clone(&bus),
        verifier: Arc::clone(&verifier),
        has_keys: keys.is_some(),
        clock: Arc::clone(&config.seams.clock),
        stopping,
        waiting: Vec::new(),
    });
    let requests = Data::new(Requests::new()?);
    let metrics = match config.metrics_addr {
        Some(address) => Some(MetricsListener::start(address, Arc::clone(&process), Data::clone(&requests)).await?),
        None => None,
    };
    let rate_limit = config.rate_limit.map(|quota| Arc::new(Limiter::new("default", quota)));
    if let Some(limiter) = rate_limit.clone() {
        following.spawn(forgetting(limiter));
    }
    let site = Site {
        process: Arc::clone(&process),
        edge: Data::new(Edge {
            tls: public_url.starts_with("https:"),
            trusted_proxies: config.trusted_proxies.clone(),
            rate_limit,
            cors_origins: config.cors_origins.clone(),
            handler_deadline: config.seams.handler_deadline,
            ..Edge::new(Arc::clone(&config.seams.clock))
        }),
        verifier: Arc::clone(&verifier),
        routes: brought.routes,
        gateway: Arc::clone(&gateway),
        pages: Data::new(Pages::new(&places.documented())),
        requests,
        absent: places.absent,
        head_deadline: config.seams.head_deadline,
        unread_deadline: config.seams.unread_deadline,
    };
    let address_file =
        files.directory.as_deref().map(|directory| AddressFile::write(directory, address)).transpose()?;
    let http = Http::start(listener, site, config.seams.http_workers).await?;
    gateway.watch(&mut following);
    if let Some(Keys { source, asked, .. }) = keys {
        following.spawn(async move {
            asked.await;
            verifier.follow(source).await;
        });
    }
    let notices = [notices, brought.notices].concat();
    Ok(Server {
        address,
        screen: screen(&process, bus.status().kind, &notices),
        drain_delay: config.drain_delay,
        jobs: Jobs::start(jobs),
        following,
        process,
        bus,
        http,
        metrics,
        address_file,
        locks: files.locks,
    })
}

/// Keeps the limiter from remembering whoever has not asked for long.
async fn forgetting(limiter: Arc<Limiter<Network>>) {
    loop {
        sleep(FORGET).await;
        limiter.sweep();
    }
}

/// Tokens name their issuer, so that who does not issue them has to be told it.
fn foreign_issuer(config: &Config, places: &Places, public_url: &str) -> Option<String> {
    let needed = config.public_url.is_none() && !config.key_addresses(places).is_empty();
    needed.then(|| {
        format!(
            "CLEAVE_PUBLIC_URL is not set: only tokens that {public_url} issued are good here. Set it to that of the \
             process that serves the user domain"
        )
    })
}

/// An event that nobody is there to hear counts as handled, so whoever forgot the broker has to be told.
fn unheard(config: &Config, places: &Places) -> Option<String> {
    let here = |name: &str| places.mounted.iter().any(|module| module.name() == name);
    let heard =
        config.seams.hears.iter().flat_map(|line| line.streams.iter().map(|stream| (stream.domain, line.consumer)));
    let apart = heard.filter(|(from, to)| here(from) != here(to)).map(|(from, to)| if here(from) { to } else { from });
    let apart: BTreeSet<&str> = apart.collect();
    if apart.is_empty() || !matches!(config.bus, BusSetting::InProcess) {
        return None;
    }
    let apart = apart.into_iter().collect::<Vec<_>>().join(", ");
    Some(format!(
        "CLEAVE_BUS is in-process: no event leaves this process, and none comes from {apart}. If that is served anywhere, \
         set CLEAVE_BUS to the broker of all processes (amqp://user:password@host:5672)"
    ))
}

async fn open(mounted: &[Module], config: &Config) -> Result<Vec<Opened>, StartError> {
    let mut opened = Vec::with_capacity(mounted.len());
    for module in mounted {
        opened.push(open_one(module.clone(), config).await?);
    }
    Ok(opened)
}

async fn mount(
    opened: &[Opened],
    config: &Arc<Config>,
    directory: Option<&PathBuf>,
    stopping: &watch::Sender<bool>,
) -> Result<Brought, StartError> {
    let mut brought = Brought::default();
    for domain in opened {
        let Opened { module, db, .. } = domain;
        let deps = deps_of(domain, config, directory.cloned(), stopping.subscribe());
        let mounted = match &module.mount {
            Some(mount) => mount(deps).await?,
            None => Mounted::new(),
        };
        brought.routes.extend(mounted.routes);
        brought.hearing.push((mounted.listeners, mounted.snapshots));
        brought.jobs.extend(mounted.jobs.into_iter().map(|job| (job, db.clone())));
        brought.key_source = mounted.key_source.or(brought.key_source);
        brought.notices.extend(mounted.notices);
    }
    Ok(brought)
}

/// Where keys come from, and whether they must be there at once.
struct Keys {
    source: Arc<dyn KeySource>,
    here: bool,
    /// Ready once it is known whether they can be had.
    asked: BoxFuture<'static, ()>,
}

impl Keys {
    fn here(source: Arc<dyn KeySource>) -> Self {
        Self { source, here: true, asked: Box::pin(ready(())) }
    }
}

/// Of a mounted domain, else of the process that serves it; a gateway may do without.
fn key_source(
    brought: Option<Arc<dyn KeySource>>,
    config: &Config,
    places: &Places,
    tasks: &mut JoinSet<()>,
) -> Result<Option<Keys>, StartError> {
    if let Some(source) = brought {
        return Ok(Some(Keys::here(source)));
    }
    let addresses = config.key_addresses(places);
    if let (Some(token), false) = (&config.internal_token, addresses.is_empty()) {
        let issuer = config.public_url.clone().unwrap_or_default();
        let remote = RemoteKeys::new(addresses, token.clone(), issuer, Arc::clone(&config.seams.clock))?;
        let remote = Arc::new(remote);
        tasks.spawn(Arc::clone(&remote).follow());
        let waiting = Arc::clone(&remote);
        let asked = Box::pin(async move { waiting.asked().await });
        return Ok(Some(Keys { source: remote, here: false, asked }));
    }
    Ok(config.seams.key_source.clone().map(Keys::here))
}

/// Loads keys of this process once, so that the first request finds them; for those of another nobody waits.
async fn verify_with(
    here: Option<Arc<dyn KeySource>>,
    config: &Config,
    public_url: &str,
) -> Result<Arc<Verifier>, StartError> {
    let verifier = Arc::new(Verifier::new(public_url.to_owned(), Arc::clone(&config.seams.clock)));
    if let Some(source) = here {
        let loaded = verifier.load(source.as_ref()).await;
        loaded.map_err(|error| {
            StartError::new(format!("the keys that tokens are verified with cannot be loaded: {error}"))
        })?;
    }
    Ok(verifier)
}

async fn listen(
    opened: Vec<Opened>,
    hearing: Vec<(Option<Listeners>, Snapshots)>,
    bus: &Arc<dyn EventBus>,
    config: &Config,
) -> Vec<Domain> {
    let mut domains = Vec::with_capacity(opened.len());
    for (Opened { module, db, migrated }, (listeners, snapshots)) in opened.into_iter().zip(hearing) {
        let name = module.name();
        let line = config.seams.hears.iter().find(|line| line.consumer == name);
        let messaging = Messaging::start(Options {
            domain: name,
            db: db.clone(),
            bus: Arc::clone(bus),
            streams: line.map_or(&[], |line| line.streams),
            snapshots,
            listeners: listeners.unwrap_or_else(|| Listeners::new(name)),
            tuning: config.seams.relay.clone(),
        })
        .await;
        domains.push(Domain { name, db, messaging, migrated });
    }
    if matches!(config.bus, BusSetting::InProcess) {
        // They are all here, so a domain that was just added knows the others' things before the first request.
        join_all(domains.iter().map(|domain: &Domain| domain.messaging.joined(JOINING))).await;
    }
    join_all(domains.iter().map(|domain: &Domain| domain.messaging.checked(CHECKING))).await;
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
