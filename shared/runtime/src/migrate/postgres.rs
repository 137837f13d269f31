//! Migrations of a PostgreSQL schema. Rule: applied on request alone and under a lock, so that several processes that
//! start at once apply each of them once; a schema that is further on than this version is left to the newer one.

use super::{Migrated, State};
use crate::start_error::StartError;
use contracts::failpoint::{self, Point};
use db::{Server, lock_for_migrations, migration_connection};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement};
use sea_orm_migration::MigratorTrait;
use std::time::Duration;
use tokio::time::timeout;

/// How long a server may take to let somebody in who only looks.
const PATIENCE: Duration = Duration::from_secs(5);

/// Applies what is pending of `M`.
pub(super) async fn up<M: MigratorTrait>(server: &Server) -> Result<Migrated, StartError> {
    let _lock = lock_for_migrations(server).await.map_err(|error| StartError::new(error.to_string()))?;
    let connection = migration_connection(server).await.map_err(|error| StartError::new(error.to_string()))?;
    let migrated = try_up::<M>(&connection).await;
    // Whatever became of it, the connection is done with.
    let _ = connection.close().await;
    migrated.map_err(|error| StartError::new(format!("cannot migrate {}: {error}", server.location())))
}

/// What was applied and what is pending; nothing is written.
pub(super) async fn look<M: MigratorTrait>(server: &Server) -> Result<State, StartError> {
    let connection = timeout(PATIENCE, migration_connection(server)).await.map_err(|_| {
        StartError::new(format!("{} does not answer: start it, or correct the URL of the database", server.location()))
    })?;
    let connection = connection.map_err(|error| StartError::new(error.to_string()))?;
    let applied = applied(&connection).await;
    let _ = connection.close().await;
    let failed = |error| StartError::new(format!("cannot read {}: {error}", server.location()));
    applied.map(State::of::<M>).map_err(failed)
}

async fn try_up<M: MigratorTrait>(connection: &DatabaseConnection) -> Result<Migrated, DbErr> {
    let state = State::of::<M>(applied(connection).await?);
    for _ in &state.pending {
        // Each in a transaction, which sea-orm opens for PostgreSQL by itself: what was applied stays applied.
        M::up(connection, Some(1)).await?;
        failpoint::pass(Point::MidMigration);
    }
    Ok(Migrated { before: state.applied, now: state.pending.len() })
}

/// The names of what was applied; of a version that is further on, those that this one knows.
async fn applied(connection: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    const TABLE: &str = "SELECT to_regclass('seaql_migrations') IS NOT NULL AS there";
    let there = connection.query_one_raw(Statement::from_string(DbBackend::Postgres, TABLE)).await?;
    if !there.map_or(Ok(false), |row| row.try_get("", "there"))? {
        return Ok(Vec::new());
    }
    // Not sea-orm's own list: that makes the table first, also where nothing may be made.
    let rows =
        connection.query_all_raw(Statement::from_string(DbBackend::Postgres, "SELECT version FROM seaql_migrations"));
    rows.await?.iter().map(|row| row.try_get("", "version")).collect()
}
