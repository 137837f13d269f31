//! What migrations need. Rule: one process migrates a schema at a time, whoever else wants to waits for it and then
//! finds nothing left to do.

use super::server::{Purpose, Server, drive};
use super::tunnel;
use crate::error::OpenError;
use crate::options::Limits;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sea_orm::{DatabaseConnection, SqlxPostgresConnector};
use std::str::FromStr;
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

/// How long a full server may take to find room for a connection; sqlx would ask it for half a minute.
const ROOM: Duration = Duration::from_secs(3);
/// How long another process may migrate, by the lock limit of such a session, before this one gives up; and a little
/// more, in case the server does not say so.
const PATIENCE: Duration = Duration::from_secs(65);

/// The right to migrate a schema; given up when it is dropped, also by a process that dies.
#[must_use = "without it two processes migrate at once"]
pub struct MigrationLock {
    _client: Client,
    driver: AbortHandle,
}

impl Drop for MigrationLock {
    fn drop(&mut self) {
        // The server frees a lock when its session is cut.
        self.driver.abort();
    }
}

/// Waits, a minute at most, until no other process migrates this schema, and makes the schema when it is missing.
///
/// # Errors
/// [`OpenError`]: the server cannot be used, another process migrates for too long, or the schema is missing and the
/// role may not make it.
pub async fn lock_for_migrations(server: &Server) -> Result<MigrationLock, OpenError> {
    let dial = server.dial(Purpose::Migrate, &Limits::default())?;
    let (client, wire) = server.connect(&dial).await?;
    let lock = MigrationLock { _client: client, driver: drive(wire) };
    match timeout(PATIENCE, take(server, &lock._client)).await {
        Ok(taken) => taken.map(|()| lock),
        Err(_) => Err(server.silent()),
    }
}

async fn take(server: &Server, client: &Client) -> Result<(), OpenError> {
    server.insist(client, Purpose::Migrate).await?;
    let schema = server.schema();
    let locking = "SELECT pg_advisory_lock(hashtextextended('cleave migrates ' || $1::text, 0))";
    client.execute(locking, &[&schema]).await.map_err(|error| match error.code() {
        Some(code) if *code == SqlState::LOCK_NOT_AVAILABLE => OpenError::Migrating { location: server.location() },
        _ => server.refused(&error),
    })?;
    // A role without the right to make schemas may still be given one.
    let found = client.query("SELECT 1 FROM pg_namespace WHERE nspname = $1", &[&schema]).await;
    if found.map_err(|error| server.refused(&error))?.is_empty() {
        let made = client.batch_execute(&format!("CREATE SCHEMA \"{schema}\"")).await;
        made.map_err(|error| server.refused(&error))?;
    }
    Ok(())
}

/// One connection for sea-orm's migrations, whose `search_path` is the schema. A statement may take as long as it
/// needs and waits ten seconds for a lock, so that it does not hold up those who wait behind it for longer.
///
/// # Errors
/// [`OpenError`], within seconds also when the server has no room.
pub async fn migration_connection(server: &Server) -> Result<DatabaseConnection, OpenError> {
    let dial = server.dial(Purpose::Migrate, &Limits::default())?;
    let refused = |error: sea_orm::sqlx::Error| OpenError::Connect {
        location: server.location(),
        reason: error.to_string().replace('\n', " "),
    };
    // As it is built here sqlx speaks no TLS; what has to be encrypted goes through a connection that is.
    let options = PgConnectOptions::from_str(server.url()).map_err(refused)?.ssl_mode(PgSslMode::Disable);
    let options = match dial.is_encrypted() {
        true => options.host("127.0.0.1").port(tunnel::open(server, &dial).await?),
        false => options,
    };
    let options = options.application_name(&format!("cleave-migrate-{}", server.schema())).options([
        ("search_path", server.schema()),
        ("synchronous_commit", "on"),
        ("statement_timeout", "0"),
        ("lock_timeout", "10000"),
        ("idle_in_transaction_session_timeout", "60000"),
    ]);
    match PgPoolOptions::new().max_connections(1).acquire_timeout(ROOM).connect_with(options).await {
        Ok(pool) => Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool)),
        // sqlx may say that time has run out, and not over what.
        Err(error) => match server.connect(&dial).await {
            Ok(_) => Err(refused(error)),
            Err(reason) => Err(reason),
        },
    }
}
