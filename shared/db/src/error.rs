//! What can go wrong with a database. Rule: the variant says whether trying again can help; the text is for the log,
//! never for a client.

use std::path::PathBuf;

/// A statement or a transaction failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DbError {
    /// The turn did not come within the acquire limit. Nothing was done; try again.
    #[error("the database is busy")]
    Busy,
    /// The database cannot be used now: disk full, I/O error, closed. Nothing was kept; try again later.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// It would emit an event, and none is taken at present. Nothing was kept; try again later.
    #[error("no events are taken at present: {0}")]
    Refused(String),
    /// The commit was sent and its outcome is not known. Try again with the same idempotency key.
    #[error("the outcome of the commit is unknown: {0}")]
    Unknown(String),
    /// A uniqueness rule was broken; `table.column[, table.column]`.
    #[error("unique constraint failed: {constraint}")]
    Unique {
        /// The columns, as the database names them.
        constraint: String,
    },
    /// Lost against another transaction after all reruns.
    #[error("conflict with another transaction")]
    Conflict,
    /// A pushed statement changed no row.
    #[error("a pushed statement changed no row: {0}")]
    NoRowChanged(String),
    /// The statement ran longer than its limit.
    #[error("the statement exceeded its deadline")]
    Deadline,
    /// A stored value does not fit its column's type.
    #[error("a stored value could not be decoded: {0}")]
    Decode(String),
    /// The statement is wrong, or broke a constraint other than uniqueness.
    #[error("statement failed: {0}")]
    Statement(String),
}

impl DbError {
    /// True for what a rerun of the whole use-case may cure at once.
    #[must_use]
    pub const fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict)
    }

    /// True for what is the database's state and not the statement's or the data's fault: no attempt of a listener
    /// is counted for it.
    #[must_use]
    pub const fn is_infrastructure(&self) -> bool {
        matches!(self, Self::Busy | Self::Unavailable(_) | Self::Refused(_) | Self::Unknown(_) | Self::Conflict)
    }
}

/// A database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// SQLite refused.
    #[error("cannot open {path}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// The file's pages do not fit together.
    #[error("{path} is damaged: {found}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite found first.
        found: String,
    },
    /// A setting that durability rests on did not take.
    #[error("{path}: {setting} is {found}, expected {expected}")]
    Setting {
        /// The file.
        path: PathBuf,
        /// The pragma.
        setting: &'static str,
        /// What it is.
        found: String,
        /// What it must be.
        expected: &'static str,
    },
    /// The linked library is too old to be trusted with a WAL.
    #[error("SQLite {found} is older than 3.51.3, which corrects a WAL corruption with two connections")]
    Version {
        /// Its version.
        found: String,
    },
    /// The address of a PostgreSQL database cannot be used as it stands.
    #[error("{reason}")]
    Address {
        /// What is wrong with it, without repeating it.
        reason: String,
    },
    /// PostgreSQL cannot be reached, or lets us not in.
    #[error("cannot use {location}: {reason}")]
    Connect {
        /// Host, port, database and schema.
        location: String,
        /// What the server or the network said.
        reason: String,
    },
    /// PostgreSQL has no room for one more connection of this role.
    #[error("cannot use {location}: {reason}")]
    Full {
        /// Host, port, database and schema.
        location: String,
        /// What the server said.
        reason: String,
    },
    /// A setting of the session did not take: a pooler in between drops the connection's options.
    #[error("{location}: {setting} is {found}, expected {expected}; connect without a pooler that drops options")]
    ServerSetting {
        /// Host, port, database and schema.
        location: String,
        /// Its name.
        setting: &'static str,
        /// What it is.
        found: String,
        /// What it must be.
        expected: String,
    },
    /// There is no such schema, or none for this role.
    #[error("{location}: the schema is missing, or the role may not use it")]
    Schema {
        /// Host, port, database and schema.
        location: String,
    },
    /// PostgreSQL is too old.
    #[error("PostgreSQL {found} is older than 14")]
    ServerVersion {
        /// `server_version_num`.
        found: String,
    },
    /// Another process has been migrating the schema for a minute.
    #[error("{location}: another process migrates it and does not end")]
    Migrating {
        /// Host, port, database and schema.
        location: String,
    },
}
