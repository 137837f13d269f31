//! The settings of a process. Rule: read once, here alone; a module is handed values, never a variable's name.

mod layers;
mod limits;
mod parse;
mod places;
mod secrets;
mod surroundings;

pub(crate) use layers::without_login;
pub(crate) use places::Places;
pub use places::{BusSetting, RemoteDomain, Storage};

use crate::flags::ServeFlags;
use crate::gateway::GatewayTuning;
use crate::module::Module;
use crate::start_error::StartError;
use contracts::{Clock, SystemClock, topology};
use layers::{Setting, Settings, Sources};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use surroundings::{environment, settings_file, without_failpoints};
use web::{KeySource, Origins, Quota, TrustedProxies};

/// Where a domain's own binary looks for the user domain's when nobody says where it is.
const USER_ALONE: &str = "http://127.0.0.1:8001";

/// What a process is told. Made by [`Config::load`] or, inside a test, by [`Config::embedded`].
#[derive(Debug, Clone)]
pub struct Config {
    /// Name or address to listen on.
    pub host: String,
    /// Port to listen on; 0 picks a free one.
    pub port: u16,
    /// How clients reach the process, without a slash at the end; `http://host:port` when none was given.
    pub public_url: Option<String>,
    /// Database files, locks and secrets.
    pub data_dir: PathBuf,
    /// One PostgreSQL database for all domains, a schema each; none: SQLite files in the data directory.
    pub database_url: Option<SecretString>,
    /// A database of its own, by the domain's name.
    pub database_urls: BTreeMap<String, SecretString>,
    /// What carries the events.
    pub bus: BusSetting,
    /// Domains to serve; where this and `remote` are empty: all that the binary holds.
    pub domains: Vec<String>,
    /// Domains that other processes serve, and whose requests are handed on.
    pub remote: Vec<RemoteDomain>,
    /// Where the user domain is served, when it is neither served here nor `remote`.
    pub user_urls: Vec<String>,
    /// What processes of one installation show one another.
    pub internal_token: Option<SecretString>,
    /// Who is believed about the client's address.
    pub trusted_proxies: TrustedProxies,
    /// The origins whose scripts may call.
    pub cors_origins: Origins,
    /// How often a network may ask; none: as often as it likes.
    pub rate_limit: Option<Quota>,
    /// How often a network may sign in; what holds for one account follows from it.
    pub login_limit: Quota,
    /// How often a network may make an account.
    pub register_limit: Quota,
    /// Whether anybody may register.
    pub registration_open: bool,
    /// Password of the first administrator; none: a random one.
    pub admin_password: Option<SecretString>,
    /// Access token of who asks a running system by command.
    pub token: Option<SecretString>,
    /// E-mail address of the first administrator.
    pub admin_email: String,
    /// See [`Config::secret`].
    pub keys_secret: Option<SecretString>,
    /// See [`Config::secret`].
    pub seal_secret: Option<SecretString>,
    /// Where `/metrics` is shown to anybody; none: beside everything else, to administrators.
    pub metrics_addr: Option<SocketAddr>,
    /// Filter directives of the log.
    pub log: String,
    /// How log lines look.
    pub log_format: LogFormat,
    /// How long a stopping process goes on serving after it said that it is not ready.
    pub drain_delay: Duration,
    /// Whether somebody reads the start screen on a terminal; set by [`crate::run`] alone.
    pub terminal: bool,
    /// Lines for the operator about settings that do less than they say.
    pub notices: Vec<String>,
    /// What tests replace.
    pub seams: Seams,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Text when standard error is a terminal, else JSON.
    Auto,
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What tests replace, and nobody else.
#[derive(Clone)]
pub struct Seams {
    /// The source of instants.
    pub clock: Arc<dyn Clock>,
    /// Keys and revocations where no served module brings them.
    pub key_source: Option<Arc<dyn KeySource>>,
    /// HTTP worker threads; none: one for each core.
    pub http_workers: Option<usize>,
    /// Threads that read each database; none: the database's own default.
    pub readers: Option<usize>,
    /// How long a client may take over the head of a request.
    pub head_deadline: Duration,
    /// How long a client may take nothing of an answer that waits for it.
    pub unread_deadline: Duration,
    /// How long a request may be under way until its answer begins.
    pub handler_deadline: Duration,
    /// How long a statement may run and how long it may wait for its turn.
    pub limits: db::Limits,
    /// Whether a commit wakes the relay; off, polling alone moves events.
    pub wake_up: bool,
    /// How relay and inbox are tuned: batch sizes, intervals, backoff.
    pub relay: outbox::Tuning,
    /// How patient the gateway is.
    pub gateway: GatewayTuning,
    /// What every name at the broker begins with, so that several systems share one.
    pub bus_prefix: Option<String>,
    /// Whether a start migrates PostgreSQL as `cleave migrate up` does.
    pub migrates: bool,
    /// Who hears what; another table than the one that holds is for domains that only a test has.
    pub hears: &'static [topology::Hears],
}

impl Default for Seams {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            key_source: None,
            http_workers: None,
            readers: None,
            head_deadline: Duration::from_secs(5),
            unread_deadline: crate::http::UNREAD,
            handler_deadline: Duration::from_secs(30),
            limits: db::Limits::default(),
            wake_up: true,
            relay: outbox::Tuning::default(),
            gateway: GatewayTuning::default(),
            bus_prefix: None,
            migrates: false,
            hears: topology::HEARS,
        }
    }
}

impl fmt::Debug for Seams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seams")
            .field("clock", &self.clock)
            .field("http_workers", &self.http_workers)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// Reads flags, environment, `./cleave.toml` and the defaults, and checks all of it.
    ///
    /// # Errors
    /// One line that names the setting, where it came from and what it must be.
    pub fn load(flags: &ServeFlags, modules: &[Module]) -> Result<Self, StartError> {
        let binary = of_binary(modules);
        let file = settings_file(Path::new("cleave.toml"))?;
        let environment = without_failpoints(environment()?)?;
        Self::from_sources(Sources { flags: flags.given(), environment, file, binary }, modules)
    }

    /// What holds in a binary of these modules where an operator says nothing; without what is then not set.
    pub(crate) fn defaults(modules: &[Module]) -> Result<BTreeMap<String, String>, StartError> {
        let settings = Settings::read(Sources { binary: of_binary(modules), ..Sources::default() })?;
        let given = |setting: &Setting| Some((setting.key().to_owned(), setting.given()?.to_owned()));
        Ok(settings.all().filter_map(given).collect())
    }

    /// The settings of a system inside a test: the defaults, on a free port and in a directory of its own.
    #[must_use]
    pub fn embedded(data_dir: PathBuf) -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 0,
            public_url: None,
            data_dir,
            database_url: None,
            database_urls: BTreeMap::new(),
            bus: BusSetting::InProcess,
            domains: Vec::new(),
            remote: Vec::new(),
            user_urls: Vec::new(),
            internal_token: None,
            trusted_proxies: TrustedProxies::default(),
            cors_origins: Origins::default(),
            rate_limit: None,
            login_limit: limits::LOGIN,
            register_limit: limits::REGISTER,
            registration_open: true,
            admin_password: None,
            token: None,
            admin_email: "admin@cleave.invalid".to_owned(),
            keys_secret: None,
            seal_secret: None,
            metrics_addr: None,
            log: "info".to_owned(),
            log_format: LogFormat::Auto,
            drain_delay: Duration::ZERO,
            terminal: false,
            notices: Vec::new(),
            seams: Seams { http_workers: Some(1), readers: Some(2), ..Seams::default() },
        }
    }

    fn from_sources(sources: Sources<'_>, modules: &[Module]) -> Result<Self, StartError> {
        let settings = Settings::read(sources)?;
        let get = |key| settings.get(key);
        let (domains, remote) = parse::domains(get("domains")?, modules)?;
        let user_url = get("user_url")?;
        Ok(Self {
            host: parse::required(get("host")?)?,
            port: parse::port(get("port")?)?,
            public_url: parse::public_url(get("public_url")?)?,
            data_dir: PathBuf::from(parse::required(get("data_dir")?)?),
            database_url: parse::database(get("database_url")?)?,
            database_urls: database_urls(&settings, modules)?,
            bus: parse::bus(get("bus")?)?,
            domains,
            remote,
            user_urls: user_url.given().map_or(Ok(Vec::new()), |text| parse::addresses(user_url, text))?,
            internal_token: parse::internal_token(get("internal_token")?)?,
            trusted_proxies: parse::trusted_proxies(get("trusted_proxies")?)?,
            cors_origins: limits::origins(get("cors_origins")?)?,
            rate_limit: limits::quota_or_off(get("rate_limit")?)?,
            login_limit: limits::quota(get("login_limit")?)?,
            register_limit: limits::quota(get("register_limit")?)?,
            registration_open: parse::choice(get("registration")?, &[("open", true), ("closed", false)])?,
            admin_password: secrets::given(get("admin_password")?, get("admin_password_file")?)?,
            token: get("token")?.given().map(SecretString::from),
            admin_email: parse::required(get("admin_email")?)?,
            keys_secret: secrets::key(get("keys_secret")?, get("keys_secret_file")?)?,
            seal_secret: secrets::key(get("seal_secret")?, get("seal_secret_file")?)?,
            metrics_addr: parse::listen_address(get("metrics_addr")?)?,
            log: parse::log(get("log")?)?,
            log_format: parse::choice(
                get("log_format")?,
                &[("auto", LogFormat::Auto), ("text", LogFormat::Text), ("json", LogFormat::Json)],
            )?,
            drain_delay: parse::duration(get("drain_delay")?)?,
            terminal: false,
            notices: Vec::new(),
            seams: Seams::default(),
        })
    }

    /// The 32 bytes of a secret: what the operator gave as `CLEAVE_<NAME>_SECRET`, else what
    /// `<data_dir>/secrets/<name>` holds, which is made with mode 0600 when it is missing.
    ///
    /// # Errors
    /// The file cannot be read, made or understood.
    pub fn secret(&self, name: &str) -> Result<[u8; 32], StartError> {
        let given = match name {
            "keys" => self.keys_secret.as_ref(),
            "seal" => self.seal_secret.as_ref(),
            _ => None,
        };
        match given {
            Some(text) => secrets::bytes_of(text).ok_or_else(|| {
                StartError::new(format!("CLEAVE_{}_SECRET {}", name.to_uppercase(), secrets::TOO_SHORT))
            }),
            None => secrets::stored(&self.data_dir.join("secrets"), name),
        }
    }
}

/// What a domain's own binary does otherwise than the defaults file says; nothing for one that holds several.
fn of_binary(modules: &[Module]) -> Vec<(&'static str, String)> {
    let [module] = modules else { return Vec::new() };
    let port = module.port.map(|port| ("port", port.to_string()));
    let user_url = (!module.brings_keys).then(|| ("user_url", USER_ALONE.to_owned()));
    let rate_limit = ("rate_limit", "off".to_owned());
    port.into_iter().chain(user_url).chain([rate_limit]).collect()
}

/// `CLEAVE_<DOMAIN>_DATABASE_URL` of the modules.
fn database_urls(settings: &Settings, modules: &[Module]) -> Result<BTreeMap<String, SecretString>, StartError> {
    let mut urls = BTreeMap::new();
    for setting in settings.all() {
        let Some(domain) = setting.key().strip_suffix("_database_url") else { continue };
        if let Some(url) = parse::database(setting)?
            && modules.iter().any(|module| module.name() == domain)
        {
            urls.insert(domain.to_owned(), url);
        }
    }
    Ok(urls)
}

#[cfg(test)]
mod tests;
