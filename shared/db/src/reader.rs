//! Reads. Rule: one statement, on a read-only connection, so that a read cannot write.

use crate::error::DbError;
use crate::row::{FromRow, entity_columns, model};
use crate::{postgres, sqlite};
use sea_orm::{DbBackend, EntityTrait, IntoActiveModel, QuerySelect, QueryTrait, Select, TryIntoModel};

/// Reads one domain's database.
#[derive(Clone)]
pub struct Reader {
    store: Store,
}

#[derive(Clone)]
enum Store {
    Sqlite(sqlite::Reader),
    Postgres(postgres::Reader),
}

impl From<sqlite::Reader> for Reader {
    fn from(reader: sqlite::Reader) -> Self {
        Self { store: Store::Sqlite(reader) }
    }
}

impl From<postgres::Reader> for Reader {
    fn from(reader: postgres::Reader) -> Self {
        Self { store: Store::Postgres(reader) }
    }
}

impl Reader {
    /// The same, for what is read a page at a time in the order of an index. PostgreSQL goes by that index then, whatever
    /// its statistics say: with those of a moment when there was nothing it would gather and sort for each page all that
    /// there is, and what is long gone.
    #[must_use]
    pub fn by_index(&self) -> Self {
        let store = match &self.store {
            Store::Sqlite(reader) => Store::Sqlite(reader.clone()),
            Store::Postgres(reader) => Store::Postgres(reader.by_index()),
        };
        Self { store }
    }

    /// The first row. On SQLite it is read in place: for statements that find their row by a key.
    ///
    /// # Errors
    /// [`DbError::Busy`] when no connection is free within the acquire limit; see [`DbError`] for the rest.
    pub async fn one<E>(&self, select: Select<E>) -> Result<Option<E::Model>, DbError>
    where
        E: EntityTrait,
        E::Model: IntoActiveModel<E::ActiveModel>,
        E::ActiveModel: TryIntoModel<E::Model>,
    {
        let select = select.limit(1);
        let mut rows = match &self.store {
            Store::Sqlite(reader) => reader.one(&select.build(DbBackend::Sqlite), &entity_columns::<E>()).await?,
            Store::Postgres(reader) => reader.read(&select.build(DbBackend::Postgres), &entity_columns::<E>()).await?,
        };
        rows.pop().map(model::<E>).transpose()
    }

    /// All rows. On SQLite they are read on the blocking pool: a scan must not hold up a thread that serves requests.
    ///
    /// # Errors
    /// As [`Reader::one`].
    pub async fn all<E>(&self, select: Select<E>) -> Result<Vec<E::Model>, DbError>
    where
        E: EntityTrait,
        E::Model: IntoActiveModel<E::ActiveModel> + 'static,
        E::ActiveModel: TryIntoModel<E::Model>,
    {
        let rows = match &self.store {
            Store::Sqlite(reader) => reader.all(select.build(DbBackend::Sqlite), entity_columns::<E>()).await?,
            Store::Postgres(reader) => reader.read(&select.build(DbBackend::Postgres), &entity_columns::<E>()).await?,
        };
        rows.into_iter().map(model::<E>).collect()
    }

    /// Rows of plain values; as [`Reader::all`].
    ///
    /// # Errors
    /// As [`Reader::one`].
    pub async fn rows<R: FromRow>(&self, query: impl QueryTrait) -> Result<Vec<R>, DbError> {
        // The query is built before the first wait: it need not be `Send`.
        let backend = match &self.store {
            Store::Sqlite(_) => DbBackend::Sqlite,
            Store::Postgres(_) => DbBackend::Postgres,
        };
        let statement = query.build(backend);
        drop(query);
        let rows = match &self.store {
            Store::Sqlite(reader) => reader.all(statement, R::columns()).await?,
            Store::Postgres(reader) => reader.read(&statement, &R::columns()).await?,
        };
        rows.into_iter().map(R::from_values).collect()
    }

    pub(crate) async fn close(&self) {
        match &self.store {
            Store::Sqlite(reader) => reader.close(),
            Store::Postgres(reader) => reader.close().await,
        }
    }
}
