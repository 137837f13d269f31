//! Where the two domains of a test keep what they know: files, or a database of its own.

use contracts::UserId;
use db::testing::Scratch;
use db::{DbOptions, Server, lock_for_migrations, migration_connection};
use sea_orm::Database;
use sea_orm_migration::{MigrationTrait, MigratorTrait};
use std::path::PathBuf;
use tempfile::TempDir;

struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        migration_messaging::migrations()
    }
}

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// What is removed at the end of a test.
pub enum Place {
    Files(TempDir),
    Postgres(Scratch),
}

impl Place {
    pub fn file(&self, domain: &str) -> PathBuf {
        let Self::Files(directory) = self else { unreachable!("a test of files") };
        directory.path().join(format!("{domain}.db"))
    }

    pub fn options(&self, domain: &str) -> DbOptions {
        match self {
            Self::Files(_) => DbOptions::file(self.file(domain)),
            Self::Postgres(scratch) => DbOptions::postgres(scratch.url(), domain),
        }
    }

    /// The first column of what a query finds, past everything that is tested.
    pub async fn column(&self, domain: &str, sql: &str) -> Vec<i64> {
        match self {
            Self::Files(_) => {
                let file = rusqlite::Connection::open(self.file(domain)).unwrap();
                let mut rows = file.prepare(sql).unwrap();
                rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
            }
            Self::Postgres(scratch) => {
                let rows = scratch.column(&format!("SET search_path = \"{domain}\"; {sql}")).await;
                rows.into_iter().map(|value| value.unwrap().parse().unwrap()).collect()
            }
        }
    }

    /// Changes rows, past everything that is tested.
    pub async fn execute(&self, domain: &str, sql: &str) {
        match self {
            Self::Files(_) => rusqlite::Connection::open(self.file(domain)).unwrap().execute_batch(sql).unwrap(),
            Self::Postgres(scratch) => scratch.execute(&format!("SET search_path = \"{domain}\"; {sql}")).await,
        }
    }

    pub fn literal(&self, user: UserId) -> String {
        match self {
            Self::Files(_) => format!("x'{}'", user.uuid().simple()),
            Self::Postgres(_) => format!("'{user}'"),
        }
    }

    /// The tables, and the listener's effects in the order of their commits; a second effect of one event would be
    /// refused.
    pub async fn make_tables(&self, domain: &str) {
        match self {
            Self::Files(_) => {
                let path = self.file(domain);
                let connection = Database::connect(format!("sqlite://{}?mode=rwc", path.display())).await.unwrap();
                Migrator::up(&connection, None).await.unwrap();
                connection.close().await.unwrap();
                let effects = "CREATE TABLE effect (n INTEGER PRIMARY KEY AUTOINCREMENT, subject BLOB, seq INTEGER,
                    UNIQUE (subject, seq)) STRICT; CREATE TABLE aggregate (id BLOB PRIMARY KEY, seq INTEGER) STRICT";
                rusqlite::Connection::open(path).unwrap().execute_batch(effects).unwrap();
            }
            Self::Postgres(scratch) => {
                migrate(&Server::new(scratch.url(), domain)).await;
                let effects = "SET search_path = \"NAME\"; CREATE TABLE effect (n bigint GENERATED ALWAYS AS IDENTITY
                    PRIMARY KEY, subject uuid, seq bigint, UNIQUE (subject, seq));
                    CREATE TABLE aggregate (id uuid PRIMARY KEY, seq bigint)";
                scratch.execute(&effects.replace("NAME", domain)).await;
            }
        }
    }
}

/// What `cleave migrate up` does.
pub async fn migrate(server: &Server) {
    let lock = lock_for_migrations(server).await.unwrap();
    let connection = migration_connection(server).await.unwrap();
    Migrator::up(&connection, None).await.unwrap();
    connection.close().await.unwrap();
    drop(lock);
}
