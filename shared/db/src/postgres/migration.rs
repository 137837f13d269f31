//! What migrations need. Rule: one process migrates a schema at a time, whoever else wants to waits for it and then
//! finds nothing left to do.

use super::server::{Purpose, Server, drive};
use crate::error::OpenError;
use crate::options::Limits;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sea_orm::{DatabaseConnection, SqlxPostgresConnector};
use std::str::FromStr;
use tokio::task::AbortHandle;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

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
    let config = server.config(Purpose::Migrate, &Limits::default())?;
    let (client, wire) = server.connect(&config).await?;
    let lock = MigrationLock { _client: client, driver: drive(wire) };
    let client = &lock._client;
    server.insist(client).await?;
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
    Ok(lock)
}

/// One connection for sea-orm's migrations, whose `search_path` is the schema. A statement may take as long as it
/// needs and waits ten seconds for a lock, so that it does not hold up those who wait behind it for longer.
///
/// # Errors
/// [`OpenError::Connect`].
pub async fn migration_connection(server: &Server) -> Result<DatabaseConnection, OpenError> {
    server.config(Purpose::Migrate, &Limits::default())?;
    let refused = |error: sea_orm::sqlx::Error| OpenError::Connect {
        location: server.location(),
        reason: error.to_string().replace('\n', " "),
    };
    let options = PgConnectOptions::from_str(server.url()).map_err(refused)?;
    let options = options.application_name(&format!("cleave-migrate-{}", server.schema())).options([
        ("search_path", server.schema()),
        ("synchronous_commit", "on"),
        ("statement_timeout", "0"),
        ("lock_timeout", "10000"),
        ("idle_in_transaction_session_timeout", "60000"),
    ]);
    let pool = PgPoolOptions::new().max_connections(1).connect_with(options).await.map_err(refused)?;
    Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
}
