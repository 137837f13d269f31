//! Which server, and how a session on it is set up. Rule: what durability and isolation rest on is in the connection's
//! own options, never in a `SET`, and is asked back before the connection is used: a pooler in between may drop it.

use super::encryption::Asked;
use crate::error::OpenError;
use crate::options::Limits;
use crate::postgres::sort::describe;
use std::fmt;
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, SimpleQueryMessage, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The driver half of a connection.
pub(super) type Wire = tokio_postgres::Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// `EXTRACT` of an instant is exact from this version on, which the views rely on.
const OLDEST: u32 = 140_000;

/// One schema of a PostgreSQL database.
#[derive(Clone)]
pub struct Server {
    /// Without what it says of encryption.
    url: String,
    asked: Asked,
    schema: String,
}

/// How a session is opened.
#[derive(Clone)]
pub(super) struct Dial {
    pub config: Config,
    pub connector: MakeRustlsConnect,
    /// What for.
    pub purpose: Purpose,
    /// How long it may take.
    pub limit: Duration,
}

/// What a session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Read,
    Write,
    /// Taking the migration lock: waits long, and does nothing else.
    Migrate,
}

impl Dial {
    /// Whether TLS is wanted, if only where it is offered.
    pub(super) fn is_encrypted(&self) -> bool {
        self.config.get_ssl_mode() != SslMode::Disable
    }
}

impl Server {
    /// A schema of the database that a `postgres://` URL names. Nothing is checked yet.
    #[must_use]
    pub fn new(url: impl Into<String>, schema: impl Into<String>) -> Self {
        let (url, asked) = Asked::taken_from(&url.into());
        Self { url, asked, schema: schema.into() }
    }

    /// The schema.
    #[must_use]
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// What sqlx reads, without what is said of encryption.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Host, port, database and schema, for people; never the password.
    #[must_use]
    pub fn location(&self) -> String {
        let Ok(config) = self.url.parse::<Config>() else { return format!("PostgreSQL, schema {}", self.schema) };
        let host = |host: &Host| match host {
            Host::Tcp(name) => name.clone(),
            #[cfg(unix)]
            Host::Unix(path) => path.display().to_string(),
        };
        let hosts: Vec<String> = config.get_hosts().iter().map(host).collect();
        let ports: Vec<String> = config.get_ports().iter().map(u16::to_string).collect();
        let port = if ports.is_empty() { "5432".to_owned() } else { ports.join(",") };
        let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
        format!("postgres://{}:{port}/{database}, schema {}", hosts.join(","), self.schema)
    }

    fn parsed(&self) -> Result<Config, OpenError> {
        if !["postgres://", "postgresql://"].iter().any(|scheme| self.url.starts_with(scheme)) {
            return Err(OpenError::Address { reason: "the URL of PostgreSQL must begin with postgres://".to_owned() });
        }
        self.url.parse::<Config>().map_err(|error| {
            // The parser's cause repeats what it read, so it may hold the password; its own words do not.
            OpenError::Address { reason: format!("the URL of PostgreSQL cannot be read ({error})") }
        })
    }

    /// How a session is opened, checked as far as that can be done without the server.
    ///
    /// # Errors
    /// [`OpenError::Address`] for a URL that is none, a schema whose name would have to be quoted, or an encryption
    /// that cannot be had.
    pub(super) fn dial(&self, purpose: Purpose, limits: &Limits) -> Result<Dial, OpenError> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if self.schema.is_empty() || self.schema.len() > 63 || !self.schema.chars().all(plain) {
            return Err(OpenError::Address { reason: format!("`{}` cannot be the name of a schema", self.schema) });
        }
        let mut config = self.parsed()?;
        if config.get_hosts().is_empty() {
            return Err(OpenError::Address { reason: "the URL of PostgreSQL names no host".to_owned() });
        }
        let options = self.session(purpose, limits);
        let options = [config.get_options().unwrap_or_default(), &options].join(" ");
        config.options(options);
        if config.get_application_name().is_none() {
            config.application_name(format!("cleave-{}", self.schema));
        }
        let encryption = self.asked.read(&config)?;
        config.ssl_mode(encryption.mode());
        let reach = limits.acquire.max(Duration::from_millis(100));
        config.connect_timeout(reach);
        config.keepalives_idle(Duration::from_secs(10));
        config.keepalives_interval(Duration::from_secs(3));
        config.keepalives_retries(3);
        config.tcp_user_timeout(Duration::from_secs(20));
        Ok(Dial { config, connector: encryption.connector()?, purpose, limit: reach + limits.silence })
    }

    fn session(&self, purpose: Purpose, limits: &Limits) -> String {
        let migrates = purpose == Purpose::Migrate;
        let millis = |limit: Duration| limit.as_millis().max(1).to_string();
        let settings = [
            ("search_path", self.schema.clone()),
            ("synchronous_commit", "on".to_owned()),
            ("default_transaction_isolation", r"read\ committed".to_owned()),
            ("default_transaction_read_only", if purpose == Purpose::Read { "on" } else { "off" }.to_owned()),
            ("statement_timeout", if migrates { "0".to_owned() } else { millis(limits.statement) }),
            ("lock_timeout", if migrates { "60000".to_owned() } else { millis(limits.lock) }),
            ("idle_in_transaction_session_timeout", millis(limits.idle_in_transaction)),
            ("TimeZone", "UTC".to_owned()),
            // A ROLLBACK where no transaction is open is routine here; its warning is noise.
            ("client_min_messages", "error".to_owned()),
        ];
        settings.map(|(name, value)| format!("-c {name}={value}")).join(" ")
    }

    /// Connects. The connection lives on the tokio runtime that this is called on; somebody has to drive the second
    /// half.
    ///
    /// # Errors
    /// [`OpenError::Full`], or [`OpenError::Connect`] with what the server or the network said.
    pub(super) async fn connect(&self, dial: &Dial) -> Result<(Client, Wire), OpenError> {
        // The driver bounds each address that it tries; this bounds a server that takes the connection and is silent.
        match timeout(dial.limit, dial.config.connect(dial.connector.clone())).await {
            Ok(connected) => connected.map_err(|error| self.refused(&error)),
            Err(_) => Err(self.silent()),
        }
    }

    /// Asks back what must hold.
    ///
    /// # Errors
    /// [`OpenError::ServerSetting`], [`OpenError::ServerVersion`] or [`OpenError::Schema`] when it does not.
    pub(super) async fn insist(&self, client: &Client, purpose: Purpose) -> Result<(), OpenError> {
        const ASK: &str = "SELECT current_setting('server_version_num'), current_setting('synchronous_commit'), \
             current_setting('search_path'), current_setting('default_transaction_isolation'), current_schema()";
        let answer = client.simple_query(ASK).await.map_err(|error| self.refused(&error))?;
        let row = answer.into_iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let found = |index| row.as_ref().and_then(|row| row.get(index)).unwrap_or_default().to_owned();
        let version = found(0);
        if version.parse::<u32>().unwrap_or_default() < OLDEST {
            return Err(OpenError::ServerVersion { found: version });
        }
        let expected = [
            ("synchronous_commit", found(1), "on"),
            ("search_path", found(2), self.schema.as_str()),
            ("default_transaction_isolation", found(3), "read committed"),
        ];
        match expected.into_iter().find(|(_, found, expected)| found != expected) {
            // Whoever migrates may make it.
            None if purpose == Purpose::Migrate || found(4) == self.schema => Ok(()),
            None => Err(OpenError::Schema { location: self.location() }),
            Some((setting, found, expected)) => Err(OpenError::ServerSetting {
                location: self.location(),
                setting,
                found,
                expected: expected.to_owned(),
            }),
        }
    }

    pub(super) fn refused(&self, error: &tokio_postgres::Error) -> OpenError {
        let (location, reason) = (self.location(), describe(error));
        match error.code() {
            Some(code) if *code == SqlState::TOO_MANY_CONNECTIONS => OpenError::Full { location, reason },
            _ => OpenError::Connect { location, reason },
        }
    }

    pub(super) fn silent(&self) -> OpenError {
        OpenError::Connect { location: self.location(), reason: "the server does not answer".to_owned() }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Server").field(&self.location()).finish()
    }
}

/// Drives the second half on the present runtime until the first is dropped or the connection breaks.
pub(super) fn drive(wire: Wire) -> AbortHandle {
    let driving = async move {
        if let Err(error) = wire.await {
            tracing::debug!(error = describe(&error), "a connection to PostgreSQL broke");
        }
    };
    tokio::spawn(driving).abort_handle()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_shown() {
        let server = Server::new("postgres://anna:sesame@db.example:6432/work", "task");
        let shown = format!("{server:?} {}", server.location());
        assert!(shown.contains("db.example:6432/work, schema task"), "{shown}");
        assert!(!shown.contains("sesame") && !shown.contains("anna"), "{shown}");
    }

    #[test]
    fn what_is_no_address_is_refused_without_showing_it() {
        for (url, schema) in [
            ("postgres://anna:sesame@db:port/work", "task"),
            ("sesame", "task"),
            ("host=db user=anna password=sesame sslmode=require", "task"),
            ("postgres:///work", "task"),
            ("postgres://anna:sesame@db/work?sslmode=allow", "task"),
            ("postgres://anna:sesame@db/work", "a b"),
            ("postgres://anna:sesame@db/work", "x -c fsync=off"),
            ("postgres://anna:sesame@db/work", ""),
        ] {
            let refused = Server::new(url, schema).dial(Purpose::Write, &Limits::default()).err().unwrap();
            assert!(matches!(refused, OpenError::Address { .. }), "{refused:?}");
            assert!(!refused.to_string().contains("sesame"), "{refused}");
        }
    }
}
