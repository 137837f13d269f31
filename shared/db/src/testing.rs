//! A PostgreSQL database of its own for each test. Rule: it has a random name and is removed with everything in it when
//! the test ends, also when it fails; where there is no server, the test says so in one line that is not swallowed.

#![expect(clippy::expect_used, reason = "a test ends at what it did not expect")]

// Named, because tests of this crate take the file in by its path.
#[cfg(unix)]
#[path = "testing/private.rs"]
mod private;

#[cfg(unix)]
pub use private::PrivateServer;
use std::io::Write;
use std::time::{Duration, Instant};
use tokio::time::{MissedTickBehavior, interval};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Config, NoTls};
use uuid::Uuid;

/// How long a test waits for room on a server that other tests fill.
const ROOM: Duration = Duration::from_secs(60);

/// A database that lives as long as this.
#[derive(Debug)]
pub struct Scratch {
    server: String,
    name: String,
    role: bool,
}

impl Scratch {
    /// Makes an empty database on the server that `CLEAVE_TEST_POSTGRES_URL` names, or on the one at the standard
    /// local port. None when there is no server; that is said in one line on standard error.
    ///
    /// # Panics
    /// When there is none and `CLEAVE_TEST_REQUIRE` names `postgres`, or when other tests leave no room for a minute.
    pub async fn new() -> Option<Self> {
        let server = setting("CLEAVE_TEST_POSTGRES_URL");
        let server = server.unwrap_or_else(|| "postgres://postgres@127.0.0.1:5432/postgres".to_owned());
        match Self::on(&server).await {
            Ok(scratch) => Some(scratch),
            Err(error) => {
                let required = setting("CLEAVE_TEST_REQUIRE").unwrap_or_default();
                let required = required.split(',').any(|name| name.trim() == "postgres");
                assert!(!required, "PostgreSQL is required and cannot be used: {error:?}");
                assert!(!is_full(&error), "PostgreSQL has no room: {error:?}");
                let server: Config = server.parse().expect("CLEAVE_TEST_POSTGRES_URL");
                let (hosts, ports) = (server.get_hosts(), server.get_ports());
                not_run(&format!("PostgreSQL cannot be used at {hosts:?}, port {ports:?}"));
                None
            }
        }
    }

    /// Makes an empty database on that server.
    ///
    /// # Errors
    /// What the server said.
    ///
    /// # Panics
    /// When the URL is none.
    pub async fn on(server: &str) -> Result<Self, tokio_postgres::Error> {
        #[expect(clippy::disallowed_methods, reason = "a name that no other test has, not an id of ours")]
        let name = format!("cleave_test_{}", Uuid::new_v4().simple());
        // template0: nobody is connected to it, so two tests can copy it at once.
        run(&server.parse().expect("the server's URL"), &format!("CREATE DATABASE {name} TEMPLATE template0")).await?;
        Ok(Self { server: server.to_owned(), name, role: false })
    }

    /// Its `postgres://` URL.
    ///
    /// # Panics
    /// When the server's own URL has no path.
    #[must_use]
    pub fn url(&self) -> String {
        let (address, parameters) = self.server.split_once('?').unwrap_or((&self.server, ""));
        let (server, _) = address.rsplit_once('/').expect("a URL that names a database");
        format!("{server}/{}?{parameters}", self.name)
    }

    /// The same through another address, for a proxy in between.
    ///
    /// # Panics
    /// As [`Scratch::url`].
    #[must_use]
    pub fn url_through(&self, address: std::net::SocketAddr) -> String {
        let config: Config = self.server.parse().expect("the server's URL");
        let user = config.get_user().unwrap_or("postgres");
        let password = config.get_password().map(|password| format!(":{}", String::from_utf8_lossy(password)));
        format!("postgres://{user}{}@{address}/{}", password.unwrap_or_default(), self.name)
    }

    /// A role of its own, of the database's name, with these options, and the URL that signs in as it. It owns nothing
    /// and has what PUBLIC has.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn role(&mut self, options: &str) -> String {
        self.on_server(&format!("CREATE ROLE {} LOGIN {options}", self.name)).await.expect("a role of the test");
        self.role = true;
        let config: Config = self.server.parse().expect("the server's URL");
        let tokio_postgres::config::Host::Tcp(host) = config.get_hosts().first().expect("a host") else {
            unreachable!("the tests' server has an address")
        };
        let port = config.get_ports().first().copied().unwrap_or(5432);
        format!("postgres://{0}@{host}:{port}/{0}", self.name)
    }

    /// Executes statements in it, past everything that is tested.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn execute(&self, sql: &str) {
        run(&self.url().parse().expect("the URL"), sql).await.expect("statements of the test");
    }

    /// The first column of the rows that a query finds, as text.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn column(&self, sql: &str) -> Vec<Option<String>> {
        let client = connect(&self.url().parse().expect("the URL")).await.expect("a connection of the test");
        let rows = client.simple_query(sql).await.expect("a query of the test");
        let first = |message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => Some(row.get(0).map(str::to_owned)),
            _ => None,
        };
        rows.into_iter().filter_map(first).collect()
    }

    async fn on_server(&self, sql: &str) -> Result<(), tokio_postgres::Error> {
        run(&self.server.parse().expect("CLEAVE_TEST_POSTGRES_URL"), sql).await
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let server = self.server.clone();
        let mut statements = vec![format!("DROP DATABASE {} WITH (FORCE)", self.name)];
        statements.extend(self.role.then(|| format!("DROP ROLE {}", self.name)));
        // A thread of its own: the test's runtime may be ending.
        let removing = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let server = server.parse().expect("the server's URL");
                for statement in statements {
                    run(&server, &statement).await?;
                }
                Ok::<(), tokio_postgres::Error>(())
            })
        });
        if let Ok(Err(error)) = removing.join() {
            tracing::error!(database = self.name, %error, "a test's database was not removed");
        }
    }
}

async fn run(config: &Config, sql: &str) -> Result<(), tokio_postgres::Error> {
    connect(config).await?.batch_execute(sql).await
}

async fn connect(config: &Config) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
    let mut config = config.clone();
    config.connect_timeout(Duration::from_secs(5));
    let (started, mut looks) = (Instant::now(), interval(Duration::from_millis(100)));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        match config.connect(NoTls).await {
            Ok((client, wire)) => {
                tokio::spawn(wire);
                return Ok(client);
            }
            Err(error) if is_full(&error) && started.elapsed() < ROOM => {}
            Err(error) => return Err(error),
        }
    }
}

fn is_full(error: &tokio_postgres::Error) -> bool {
    error.code() == Some(&SqlState::TOO_MANY_CONNECTIONS)
}

/// Says that the present test does not run, and why, past the harness, which swallows what a passing test prints.
///
/// # Panics
/// When standard error is closed.
pub fn not_run(why: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    writeln!(std::io::stderr(), "not run: {test}: {why}").expect("standard error");
}

#[expect(clippy::disallowed_methods, reason = "where the tests' server is belongs to no process's configuration")]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
