//! A domain's tables, brought up to date before its database is opened. Rule: all of a start's migrations in one
//! transaction, so that a crash leaves the old schema or the new one; a database that a newer version wrote is left
//! alone.

use crate::start_error::StartError;
use futures_util::future::BoxFuture;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sea_orm::{
    DatabaseConnection, DbErr, SqliteTransactionMode, SqlxSqliteConnector, TransactionOptions, TransactionTrait,
};
use sea_orm_migration::MigratorTrait;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) type Migrate = fn(PathBuf) -> BoxFuture<'static, Result<Migrated, StartError>>;

/// How long a stranger may hold the file before the start gives up.
const LOCKED: Duration = Duration::from_secs(5);

/// What was found and what was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Migrated {
    /// Applied by earlier starts.
    pub(crate) before: usize,
    /// Applied now.
    pub(crate) now: usize,
}

impl Migrated {
    /// None is ever pending after a start: what cannot be applied stops it.
    pub(crate) const fn total(self) -> usize {
        self.before + self.now
    }
}

impl fmt::Display for Migrated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.total() == 1 { "" } else { "s" };
        write!(f, "{} migration{plural} applied", self.total())?;
        if self.now > 0 { write!(f, ", {} of them now", self.now) } else { Ok(()) }
    }
}

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
pub(crate) fn migrate<M: MigratorTrait>(path: PathBuf) -> BoxFuture<'static, Result<Migrated, StartError>> {
    Box::pin(async move {
        up::<M>(&path).await.map_err(|refused| {
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
    })
}

async fn up<M: MigratorTrait>(path: &Path) -> Result<Migrated, Refused> {
    // Not by URL: a path may hold what a URL would read as a query.
    let file = SqliteConnectOptions::new().filename(path).create_if_missing(true).busy_timeout(LOCKED);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(file).await;
    let pool = pool.map_err(|error| DbErr::Custom(error.to_string()))?;
    let connection = SqlxSqliteConnector::from_sqlx_sqlite_pool(pool);
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
    tx.commit().await?;
    Ok(Migrated { before: applied.len(), now: known.len().saturating_sub(applied.len()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sea_orm::ConnectionTrait;
    use sea_orm_migration::prelude::*;

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
        assert_eq!(migrate::<Old>(path.clone()).await.unwrap(), Migrated { before: 0, now: 1 });
        assert_eq!(migrate::<New>(path.clone()).await.unwrap(), Migrated { before: 1, now: 1 });
        assert_eq!(migrate::<New>(path.clone()).await.unwrap(), Migrated { before: 2, now: 0 });
        assert!(path.exists(), "the path is taken as it is, not as a URL");
    }

    #[tokio::test]
    async fn a_newer_database_is_refused_and_not_touched() {
        let (_directory, path) = file();
        migrate::<New>(path.clone()).await.unwrap();
        let before = std::fs::read(&path).unwrap();
        let error = migrate::<Old>(path.clone()).await.unwrap_err().to_string();
        assert!(error.contains("newer version of Cleave") && error.contains("m2_second"), "{error}");
        assert!(!error.contains('\n'));
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[tokio::test]
    async fn a_failing_migration_takes_back_the_ones_before_it() {
        let (_directory, path) = file();
        migrate::<Old>(path.clone()).await.unwrap();
        let error = migrate::<Bad>(path.clone()).await.unwrap_err().to_string();
        assert!(error.starts_with("cannot migrate ") && !error.contains('\n'), "{error}");
        assert_eq!(migrate::<New>(path).await.unwrap(), Migrated { before: 1, now: 1 });
    }

    #[tokio::test]
    async fn a_file_that_is_no_database_is_refused_in_one_line() {
        let (_directory, path) = file();
        std::fs::write(&path, "not a database ".repeat(100)).unwrap();
        let error = migrate::<Old>(path).await.unwrap_err().to_string();
        assert!(error.contains("not a database") && !error.contains('\n'), "{error}");
    }
}
