//! Binding and decoding. Rule: the type of a column decides, never the look of a value; so a text that happens to be
//! a number stays a text.

use crate::error::DbError;
use chrono::{DateTime, Utc};
use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};
use sea_orm::sea_query::{ColumnType, OptionEnum, Value};

/// A sea-query value as a SQLite parameter.
pub(super) struct Bound<'a>(pub &'a Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        use rusqlite::types::Value as Owned;
        let integer = |value: Option<i64>| ToSqlOutput::Owned(value.map_or(Owned::Null, Owned::Integer));
        let real = |value: Option<f64>| ToSqlOutput::Owned(value.map_or(Owned::Null, Owned::Real));
        let text = |value: Option<String>| ToSqlOutput::Owned(value.map_or(Owned::Null, Owned::Text));
        Ok(match self.0 {
            Value::Bool(value) => integer(value.map(i64::from)),
            Value::TinyInt(value) => integer(value.map(i64::from)),
            Value::SmallInt(value) => integer(value.map(i64::from)),
            Value::Int(value) => integer(value.map(i64::from)),
            Value::BigInt(value) => integer(*value),
            Value::TinyUnsigned(value) => integer(value.map(i64::from)),
            Value::SmallUnsigned(value) => integer(value.map(i64::from)),
            Value::Unsigned(value) => integer(value.map(i64::from)),
            Value::BigUnsigned(value) => integer(value.map(i64::try_from).transpose().map_err(refused)?),
            Value::Float(value) => real(value.map(f64::from)),
            Value::Double(value) => real(*value),
            Value::Char(value) => text(value.map(String::from)),
            Value::Enum(OptionEnum::None(_)) => ToSqlOutput::Owned(Owned::Null),
            Value::Enum(OptionEnum::Some(value)) => text(Some(value.value.to_string())),
            Value::String(Some(value)) => ToSqlOutput::Borrowed(ValueRef::Text(value.as_bytes())),
            Value::Bytes(Some(value)) => ToSqlOutput::Borrowed(ValueRef::Blob(value)),
            Value::String(None) | Value::Bytes(None) => ToSqlOutput::Owned(Owned::Null),
            Value::Json(value) => text(value.as_ref().map(ToString::to_string)),
            Value::Uuid(value) => {
                ToSqlOutput::Owned(value.map_or(Owned::Null, |id| Owned::Blob(id.into_bytes().into())))
            }
            Value::ChronoDateTimeUtc(value) => integer(value.map(|instant| instant.timestamp_micros())),
            other => return Err(refused(Unsupported(format!("{other:?}")))),
        })
    }
}

/// A kind of value that has no agreed form in SQLite.
#[derive(Debug, thiserror::Error)]
#[error("no SQLite form is agreed for {0}")]
struct Unsupported(String);

fn refused(error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(error))
}

/// Reads a stored value as the column's type says.
///
/// # Errors
/// [`DbError::Decode`] when the stored value is of another kind.
pub(super) fn decode(raw: ValueRef<'_>, column: &ColumnType) -> Result<Value, DbError> {
    let wrong = || DbError::Decode(format!("{} in a column of type {column:?}", raw.data_type()));
    let integer = || match raw {
        ValueRef::Null => Ok(None),
        ValueRef::Integer(value) => Ok(Some(value)),
        _ => Err(wrong()),
    };
    let text = || match raw {
        ValueRef::Null => Ok(None),
        ValueRef::Text(bytes) => std::str::from_utf8(bytes).map(Some).map_err(|_| wrong()),
        _ => Err(wrong()),
    };
    let bytes = || match raw {
        ValueRef::Null => Ok(None),
        ValueRef::Blob(bytes) => Ok(Some(bytes)),
        _ => Err(wrong()),
    };
    let real = || match raw {
        ValueRef::Null => Ok(None),
        ValueRef::Real(value) => Ok(Some(value)),
        #[expect(clippy::cast_precision_loss, reason = "SQLite keeps a whole REAL as an integer")]
        ValueRef::Integer(value) => Ok(Some(value as f64)),
        _ => Err(wrong()),
    };
    /// The integer in a narrower type.
    fn narrow<T: TryFrom<i64>>(value: Option<i64>, wrong: impl Fn() -> DbError) -> Result<Option<T>, DbError> {
        value.map(|value| T::try_from(value).map_err(|_| wrong())).transpose()
    }
    Ok(match column {
        ColumnType::Char(_) | ColumnType::String(_) | ColumnType::Text => Value::String(text()?.map(str::to_owned)),
        ColumnType::Boolean => Value::Bool(integer()?.map(|value| value != 0)),
        ColumnType::TinyInteger => Value::TinyInt(narrow(integer()?, wrong)?),
        ColumnType::SmallInteger => Value::SmallInt(narrow(integer()?, wrong)?),
        ColumnType::Integer => Value::Int(narrow(integer()?, wrong)?),
        ColumnType::BigInteger => Value::BigInt(integer()?),
        ColumnType::Float | ColumnType::Double => Value::Double(real()?),
        ColumnType::Blob | ColumnType::Binary(_) | ColumnType::VarBinary(_) => {
            Value::Bytes(bytes()?.map(<[u8]>::to_vec))
        }
        ColumnType::Uuid => {
            Value::Uuid(bytes()?.map(|bytes| uuid::Uuid::from_slice(bytes).map_err(|_| wrong())).transpose()?)
        }
        ColumnType::Json | ColumnType::JsonBinary => {
            Value::Json(text()?.map(|text| serde_json::from_str(text).map(Box::new).map_err(|_| wrong())).transpose()?)
        }
        ColumnType::Timestamp | ColumnType::TimestampWithTimeZone => Value::ChronoDateTimeUtc(
            integer()?.map(|micros| DateTime::<Utc>::from_timestamp_micros(micros).ok_or_else(wrong)).transpose()?,
        ),
        _ => return Err(DbError::Decode(format!("no SQLite form is agreed for {column:?}"))),
    })
}
