//! A migrated database and a clock for the tests of the use-cases.

use super::{OpenSession, SignedIn, create_user, open_session};
use crate::attempts::Attempts;
use crate::crypto::{Passwords, RefreshSecret};
use crate::domain::{Email, NewUser, Password, Timezone, User, Username};
use crate::store::sessions::Device;
use contracts::user::Role;
use db::{Context, Db, DbError, DbOptions, UseCase};
use rusqlite::{Connection, OpenFlags};
use sea_orm_migration::MigratorTrait;
use sea_orm_migration::sea_orm::Database;
use secrecy::SecretString;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use testkit::TestClock;
use web::Quota;

pub(super) struct Fixture {
    pub(super) db: Db,
    pub(super) clock: TestClock,
    pub(super) passwords: Passwords,
    /// Of a network that may try as often as it likes.
    pub(super) attempts: Attempts,
    directory: TempDir,
}

impl Fixture {
    pub(super) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("user.db");
        let connection = Database::connect(format!("sqlite://{}?mode=rwc", path.display())).await.unwrap();
        migration_user::Migrator::up(&connection, None).await.unwrap();
        connection.close().await.unwrap();
        let clock = TestClock::new();
        let db = Db::open(DbOptions { clock: Arc::new(clock.clone()), ..DbOptions::file(path) }).await.unwrap();
        let often = Quota::new(1_000_000, Duration::from_secs(60)).unwrap();
        let attempts = Attempts::new(often, often);
        Self { db, clock, passwords: Passwords::start().await.unwrap(), attempts, directory }
    }

    pub(super) async fn write<C, F, T, E>(&self, command: &C, use_case: F) -> Result<T, E>
    where
        C: Sync,
        F: for<'t> UseCase<'t, C, Ok = T, Err = E>,
        T: Send,
        E: From<DbError> + Send + Debug,
    {
        self.db.write(&Context::default(), command, use_case).await
    }

    pub(super) async fn user(&self, name: &str, password: &str) -> User {
        let password = Password::parse(SecretString::from(password), &[]).unwrap();
        let password_hash = self.passwords.hash(&password).await.unwrap();
        self.user_with_hash(name, password_hash).await
    }

    pub(super) async fn user_with_hash(&self, name: &str, password_hash: String) -> User {
        let new = NewUser {
            username: Username::parse(name).unwrap(),
            email: Email::parse(&format!("{name}@example.org")).unwrap(),
            display_name: None,
            timezone: Timezone::default(),
            role: Role::User,
            password_hash,
        };
        self.write(&new, create_user).await.unwrap()
    }

    pub(super) async fn session(&self, user: &User) -> (SignedIn, RefreshSecret) {
        let refresh = RefreshSecret::generate().unwrap();
        let command = OpenSession {
            user: user.id,
            checked_hash: user.password_hash.clone(),
            stronger_hash: None,
            refresh: refresh.hash(),
            device: Device::default(),
        };
        (self.write(&command, open_session).await.unwrap(), refresh)
    }

    /// The one number that a statement finds.
    pub(super) async fn number(&self, sql: &str) -> i64 {
        let path = self.directory.path().join("user.db");
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    }
}
