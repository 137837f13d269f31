//! Somebody else who uses a system's databases, and does not let go. Rule: a connection like any other, from outside; what it
//! holds is free when this is dropped.

use super::postgres::PrivatePostgres;
use super::store::{Store, connect};
use rusqlite::{Connection, OpenFlags};
use std::time::{Duration, Instant};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

/// How long a stranger may wait for what it wants.
const PATIENCE: Duration = Duration::from_secs(30);
/// Whom strangers are: nobody for whom the server keeps a place.
const ROLE: &str = "stranger";

/// A connection to a file, and what it holds.
#[derive(Debug)]
pub struct AtFile {
    connection: Connection,
}

impl AtFile {
    /// Takes the lock that whoever writes needs.
    ///
    /// # Panics
    /// When it is no file, or the lock does not come.
    #[must_use]
    pub fn lock(store: &Store) -> Self {
        let at = Self::open(store);
        let started = Instant::now();
        // Whoever writes at the moment does so for milliseconds; asking again soon finds a gap.
        while let Err(error) = at.connection.execute_batch("BEGIN EXCLUSIVE") {
            assert!(started.elapsed() < PATIENCE, "the lock does not come: {error}");
            std::thread::sleep(Duration::from_micros(200));
        }
        at
    }

    /// Begins to read, which keeps the log from being emptied.
    ///
    /// # Panics
    /// When it is no file, or cannot be read.
    #[must_use]
    pub fn read(store: &Store) -> Self {
        let at = Self::open(store);
        at.connection.busy_timeout(PATIENCE).expect("a connection");
        at.connection.execute_batch("BEGIN; SELECT count(*) FROM outbox").expect("a file that can be read");
        at
    }

    fn open(store: &Store) -> Self {
        let Store::File(file) = store else { panic!("{store:?} is no file") };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
        Self { connection: Connection::open_with_flags(file, flags).expect("the domain's file") }
    }
}

/// Sessions at a server, and what they hold.
pub struct AtServer {
    url: String,
    sessions: Vec<Client>,
}

impl AtServer {
    /// Takes every connection that the server has for ordinary users, those that are in use first of all.
    ///
    /// # Panics
    /// When the server is away.
    pub async fn crowd(server: &PrivatePostgres) -> Self {
        let role = format!(
            "DO $$ BEGIN CREATE ROLE {ROLE} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$; \
             SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        );
        let master = connect(&server.url("postgres")).await.expect("PostgreSQL");
        master.batch_execute(&role).await.expect("a superuser");
        let mut crowd = Self { url: server.url_as(ROLE, "postgres"), sessions: Vec::new() };
        crowd.push_in().await;
        crowd
    }

    /// Takes what has become free meanwhile.
    ///
    /// # Panics
    /// When the server is away.
    pub async fn push_in(&mut self) {
        self.sessions.retain(|session| !session.is_closed());
        loop {
            match connect(&self.url).await {
                Ok(session) => self.sessions.push(session),
                Err(error) => {
                    assert_eq!(error.code(), Some(&SqlState::TOO_MANY_CONNECTIONS), "{error:?}");
                    return;
                }
            }
        }
    }

    /// Begins a transaction that has a number, and leaves it open.
    ///
    /// # Panics
    /// When the server is away.
    pub async fn idle(url: &str) -> Self {
        let session = connect(url).await.expect("PostgreSQL");
        session.batch_execute("BEGIN; SELECT txid_current()").await.expect("a transaction");
        Self { url: url.to_owned(), sessions: vec![session] }
    }
}
