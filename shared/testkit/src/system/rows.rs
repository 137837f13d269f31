//! Looking into a domain's database past the domain. Rule: the same plain SQL on both databases; where they differ, the
//! test asks [`System::on_postgres`].

use super::System;
use crate::topology::Databases;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use std::time::Duration;

/// How long somebody else's write may take.
const PATIENCE: Duration = Duration::from_secs(10);

impl System {
    /// Whether its rows are in PostgreSQL.
    #[must_use]
    pub fn on_postgres(&self) -> bool {
        self.topology.databases != Databases::Files
    }

    /// The first column of what a query finds in a domain's database, as text; NULL is the empty text.
    ///
    /// # Panics
    /// When the database refuses the query.
    pub async fn column(&self, domain: &str, sql: &str) -> Vec<String> {
        match self.ground.postgres(domain) {
            Some(database) => {
                let found = database.column(&format!("SET search_path TO \"{domain}\"; {sql}")).await;
                found.into_iter().map(Option::unwrap_or_default).collect()
            }
            None => {
                let file = self.file(domain, OpenFlags::SQLITE_OPEN_READ_ONLY);
                let mut statement = file.prepare(sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
                let rows = statement.query_map([], |row| row.get_ref(0).map(text));
                rows.expect("a query of the test").map(|row| row.expect("a row")).collect()
            }
        }
    }

    /// The number that a query finds.
    ///
    /// # Panics
    /// When it finds anything else.
    pub async fn count(&self, domain: &str, sql: &str) -> i64 {
        let found = self.column(domain, sql).await;
        assert_eq!(found.len(), 1, "one number: {sql}");
        found[0].parse().expect("a number")
    }

    /// Executes statements in a domain's database, past the domain: a fault as it comes.
    ///
    /// # Panics
    /// When the database refuses.
    pub async fn execute(&self, domain: &str, sql: &str) {
        match self.ground.postgres(domain) {
            Some(database) => database.execute(&format!("SET search_path TO \"{domain}\"; {sql}")).await,
            None => {
                let file = self.file(domain, OpenFlags::SQLITE_OPEN_READ_WRITE);
                file.execute_batch(sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
            }
        }
    }

    /// What its signing keys are sealed with, in hex.
    ///
    /// # Panics
    /// When no user domain was ever started.
    #[must_use]
    pub fn keys_secret(&self) -> String {
        if self.on_postgres() {
            return self.ground.secret.clone();
        }
        let made = std::fs::read_to_string(self.directory().join("secrets/keys"));
        made.expect("the secret that the first start made").trim().to_owned()
    }

    /// The names of a domain's tables, sorted.
    pub async fn tables(&self, domain: &str) -> Vec<String> {
        let sql = if self.on_postgres() {
            "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() ORDER BY table_name"
        } else {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
        };
        self.column(domain, sql).await
    }

    fn file(&self, domain: &str, flags: OpenFlags) -> Connection {
        let file = Connection::open_with_flags(self.ground.file(domain), flags).expect("the domain's file");
        file.busy_timeout(PATIENCE).expect("a time");
        file
    }
}

fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}
