//! Migrations of a SQLite file. Rule: all of a start's in one transaction, so that a crash leaves the old schema or the
//! new one; a file that a newer version wrote is left alone.

use super::{Migrated, State};
use crate::start_error::StartError;
use contracts::failpoint::{self, Point};
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, SqliteTransactionMode, SqlxSqliteConnector, Statement,
    TransactionOptions, TransactionTrait,
};
use sea_orm_migration::MigratorTrait;
use std::path::Path;
use std::time::Duration;

/// How long a stranger may hold the file before the start gives up.
const LOCKED: Duration = Duration::from_secs(5);

enum Refused {
    Newer(String),
    Failed(DbErr),
}

impl From<DbErr> for Refused {
    fn from(error: DbErr) -> Self {
        Self::Failed(error)
    }
}

/// Applies what is pending of `M` to the SQLite file at `path`, which is made when it is missing.
pub(super) async fn up<M: MigratorTrait>(path: &Path) -> Result<Migrated, StartError> {
    try_up::<M>(path).await.map_err(|refused| {
        let file = path.display();
        match refused {
            Refused::Newer(migration) => StartError::new(format!(
                "{file} belongs to a newer version of Cleave than this one ({}), which does not know {migration}: \
                 start that version, or restore a backup",
                env!("CARGO_PKG_VERSION"),
            )),
            Refused::Failed(error) => StartError::new(format!(
                "cannot migrate {file}: {error}; restore it from a backup, or choose another --data-dir"
            )),
        }
    })
}

/// What was applied and what is pending; the file is neither made nor written.
pub(super) async fn look<M: MigratorTrait>(path: &Path) -> Result<State, StartError> {
    if !path.exists() {
        return Ok(State::of::<M>(Vec::new()));
    }
    let look = async {
        let connection = connect(SqliteConnectOptions::new().filename(path).read_only(true)).await?;
        let applied = applied(&connection).await;
        connection.close().await?;
        applied
    };
    let applied =
        look.await.map_err(|error: DbErr| StartError::new(format!("cannot read {}: {error}", path.display())));
    applied.map(State::of::<M>)
}

async fn applied(connection: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    const TABLE: &str = "SELECT 1 FROM sqlite_master WHERE name = 'seaql_migrations'";
    if connection.query_one_raw(Statement::from_string(DbBackend::Sqlite, TABLE)).await?.is_none() {
        return Ok(Vec::new());
    }
    // Not sea-orm's own list: that makes the table first, also where nothing may be made.
    let rows =
        connection.query_all_raw(Statement::from_string(DbBackend::Sqlite, "SELECT version FROM seaql_migrations"));
    rows.await?.iter().map(|row| row.try_get("", "version")).collect()
}

async fn connect(file: SqliteConnectOptions) -> Result<DatabaseConnection, DbErr> {
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(file.busy_timeout(LOCKED)).await;
    pool.map(SqlxSqliteConnector::from_sqlx_sqlite_pool).map_err(|error| DbErr::Custom(error.to_string()))
}

async fn try_up<M: MigratorTrait>(path: &Path) -> Result<Migrated, Refused> {
    // Not by URL: a path may hold what a URL would read as a query.
    let connection = connect(SqliteConnectOptions::new().filename(path).create_if_missing(true)).await?;
    let migrated = in_one_transaction::<M>(&connection).await;
    connection.close().await?;
    migrated
}

async fn in_one_transaction<M: MigratorTrait>(connection: &DatabaseConnection) -> Result<Migrated, Refused> {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let tx = connection.begin_with_options(options).await?;
    M::install(&tx).await?;
    let known: Vec<String> = M::migrations().iter().map(|migration| migration.name().to_owned()).collect();
    let applied = M::get_migration_models(&tx).await?;
    if let Some(newer) = applied.iter().find(|row| !known.contains(&row.version)) {
        let newer = newer.version.clone();
        tx.rollback().await?;
        return Err(Refused::Newer(newer));
    }
    M::up(&tx, None).await?;
    failpoint::pass(Point::MidMigration);
    tx.commit().await?;
    Ok(Migrated { before: applied.len(), now: known.len().saturating_sub(applied.len()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sea_orm_migration::prelude::{DbErr, MigrationName, MigrationTrait, SchemaManager};
    use std::path::PathBuf;

    struct First;
    struct Second;
    struct Broken;

    macro_rules! migration {
        ($name:ident, $text:literal, $($sql:literal),+) => {
            impl MigrationName for $name {
                fn name(&self) -> &str {
                    $text
                }
            }
            #[async_trait::async_trait]
            impl MigrationTrait for $name {
                async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
                    $(manager.get_connection().execute_unprepared($sql).await?;)+
                    Ok(())
                }
            }
        };
    }
    migration!(First, "m1_first", "CREATE TABLE first (id INTEGER PRIMARY KEY) STRICT");
    migration!(Second, "m2_second", "CREATE TABLE second (id INTEGER PRIMARY KEY) STRICT");
    migration!(Broken, "m3_broken", "CREATE TABLE third (id INTEGER PRIMARY KEY) STRICT", "CREATE NONSENSE");

    macro_rules! migrator {
        ($name:ident: $($migration:ident),+) => {
            struct $name;
            impl MigratorTrait for $name {
                fn migrations() -> Vec<Box<dyn MigrationTrait>> {
                    vec![$(Box::new($migration)),+]
                }
            }
        };
    }
    migrator!(Old: First);
    migrator!(New: First, Second);
    migrator!(Bad: First, Second, Broken);

    fn file() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a ? b#c%20.db");
        (directory, path)
    }

    #[tokio::test]
    async fn pending_migrations_are_applied_and_counted() {
        let (_directory, path) = file();
        assert_eq!(up::<Old>(&path).await.unwrap(), Migrated { before: 0, now: 1 });
        assert_eq!(up::<New>(&path).await.unwrap(), Migrated { before: 1, now: 1 });
        assert_eq!(up::<New>(&path).await.unwrap(), Migrated { before: 2, now: 0 });
        assert!(path.exists(), "the path is taken as it is, not as a URL");
    }

    #[tokio::test]
    async fn a_look_tells_what_is_pending_and_makes_nothing() {
        let (_directory, path) = file();
        assert_eq!(look::<New>(&path).await.unwrap().pending, ["m1_first", "m2_second"]);
        assert!(!path.exists());
        up::<Old>(&path).await.unwrap();
        let state = look::<New>(&path).await.unwrap();
        assert_eq!((state.applied, state.pending), (1, vec!["m2_second".to_owned()]));
        assert_eq!(look::<Old>(&path).await.unwrap(), State { applied: 1, pending: Vec::new() });
    }

    #[tokio::test]
    async fn a_newer_database_is_refused_and_not_touched() {
        let (_directory, path) = file();
        up::<New>(&path).await.unwrap();
        let before = std::fs::read(&path).unwrap();
        let error = up::<Old>(&path).await.unwrap_err().to_string();
        assert!(error.contains("newer version of Cleave") && error.contains("m2_second"), "{error}");
        assert!(!error.contains('\n'));
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[tokio::test]
    async fn a_failing_migration_takes_back_the_ones_before_it() {
        let (_directory, path) = file();
        up::<Old>(&path).await.unwrap();
        let error = up::<Bad>(&path).await.unwrap_err().to_string();
        assert!(error.starts_with("cannot migrate ") && !error.contains('\n'), "{error}");
        assert_eq!(up::<New>(&path).await.unwrap(), Migrated { before: 1, now: 1 });
    }

    #[tokio::test]
    async fn a_file_that_is_no_database_is_refused_in_one_line() {
        let (_directory, path) = file();
        std::fs::write(&path, "not a database ".repeat(100)).unwrap();
        let error = up::<Old>(&path).await.unwrap_err().to_string();
        assert!(error.contains("not a database") && !error.contains('\n'), "{error}");
    }
}
