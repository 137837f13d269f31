//! Where a domain's rows are, and reading them past the domain. Rule: the same SQL on both databases; where they spell a value
//! differently, [`Store::id`] and [`Store::text`] do.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio_postgres::{NoTls, SimpleQueryMessage};

/// How long somebody else's write may take, and a server to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a writer at rest may hold its file.
const LOCKED: Duration = Duration::from_secs(1);

/// A row as text.
pub type Row = Vec<Option<String>>;

/// A domain's database.
#[derive(Debug, Clone)]
pub enum Store {
    /// A SQLite file.
    File(PathBuf),
    /// A schema of a PostgreSQL database.
    Schema {
        /// The database.
        url: String,
        /// The schema.
        schema: String,
    },
}

impl Store {
    /// Whether it is a PostgreSQL schema.
    #[must_use]
    pub const fn on_postgres(&self) -> bool {
        matches!(self, Self::Schema { .. })
    }

    /// An expression for the text of a UUID column: 32 lower-case hex digits.
    #[must_use]
    pub fn id(&self, column: &str) -> String {
        if self.on_postgres() { format!("replace({column}::text, '-', '')") } else { format!("lower(hex({column}))") }
    }

    /// An expression for the text of a column of bytes.
    #[must_use]
    pub fn text(&self, column: &str) -> String {
        if self.on_postgres() { format!("convert_from({column}, 'UTF8')") } else { format!("CAST({column} AS TEXT)") }
    }

    /// An expression for an instant in microseconds since 1970.
    #[must_use]
    pub fn micros(&self, column: &str) -> String {
        if self.on_postgres() { format!("(extract(epoch FROM {column}) * 1000000)::bigint") } else { column.to_owned() }
    }

    /// A literal of a UUID.
    #[must_use]
    pub fn literal(&self, id: &str) -> String {
        if self.on_postgres() { format!("'{id}'") } else { format!("x'{id}'") }
    }

    /// The rows that a query finds.
    ///
    /// # Errors
    /// The database is away, or refuses.
    pub async fn rows(&self, sql: &str) -> Result<Vec<Row>, String> {
        match self {
            Self::File(file) => {
                let open = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY);
                open.and_then(|connection| rows_of_file(&connection, sql)).map_err(|error| format!("{error}: {sql}"))
            }
            Self::Schema { url, schema } => {
                let client = connect(url).await.map_err(|error| format!("{error:?}"))?;
                let found = client.simple_query(&format!("SET search_path TO \"{schema}\"; {sql}")).await;
                let found = found.map_err(|error| format!("{error:?}: {sql}"))?;
                Ok(found.into_iter().filter_map(row_of_server).collect())
            }
        }
    }

    /// What somebody holds there: a transaction that has been open and idle for a second, a lock that others want in vain.
    ///
    /// # Panics
    /// When the database is away.
    pub async fn held(&self) -> Vec<String> {
        if let Self::File(file) = self {
            return write_lock(file).err().map(|error| error.to_string()).into_iter().collect();
        }
        let idle = "SELECT pid, application_name, query FROM pg_stat_activity WHERE datname = current_database() \
                    AND state LIKE 'idle in transaction%' AND state_change < clock_timestamp() - interval '1 second'";
        self.read(idle).await.into_iter().map(|row| format!("idle in a transaction: {row:?}")).collect()
    }

    /// The same, where the database is known to be there.
    ///
    /// # Panics
    /// When it is not.
    pub async fn read(&self, sql: &str) -> Vec<Row> {
        self.rows(sql).await.unwrap_or_else(|error| panic!("{error}"))
    }
}

/// Takes the lock that a writer needs, and gives it back.
fn write_lock(file: &Path) -> rusqlite::Result<()> {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(LOCKED)?;
    connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK")
}

fn rows_of_file(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<Row>> {
    connection.busy_timeout(PATIENCE)?;
    let mut statement = connection.prepare(sql)?;
    let columns = statement.column_count();
    let row = |row: &rusqlite::Row<'_>| (0..columns).map(|at| row.get_ref(at).map(text_of_file)).collect();
    statement.query_map([], row)?.collect()
}

fn text_of_file(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
    }
}

fn row_of_server(message: SimpleQueryMessage) -> Option<Row> {
    match message {
        SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect()),
        _ => None,
    }
}

/// A connection to a PostgreSQL database.
///
/// # Errors
/// It is away, or refuses.
pub async fn connect(url: &str) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
    let mut config: tokio_postgres::Config = url.parse()?;
    let (client, wire) = config.connect_timeout(PATIENCE).connect(NoTls).await?;
    tokio::spawn(wire);
    Ok(client)
}
