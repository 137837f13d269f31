//! Binding and decoding. Rule: the type of a column decides, never the look of a value, and what does not fit is
//! refused, not rounded.

use crate::error::DbError;
use chrono::{DateTime, Utc};
use sea_orm::Statement;
use sea_orm::sea_query::{ColumnType, OptionEnum, Value};
use std::error::Error;
use tokio_postgres::Row;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

/// A sea-query value as a parameter of the type that the server expects in its place.
#[derive(Debug)]
pub(super) struct Bound<'a>(pub &'a Value);

/// A value that has no agreed form where it is needed.
#[derive(Debug, thiserror::Error)]
#[error("a value of kind {value} does not fit a parameter of type {parameter}")]
struct Misfit {
    value: &'static str,
    parameter: Type,
}

type Written = Result<IsNull, Box<dyn Error + Sync + Send>>;

impl ToSql for Bound<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Written {
        match self.0 {
            Value::Bool(Some(value)) => fit(ty, out, &[Type::BOOL], "boolean", value),
            Value::TinyInt(Some(value)) => integer(ty, out, i64::from(*value)),
            Value::SmallInt(Some(value)) => integer(ty, out, i64::from(*value)),
            Value::Int(Some(value)) => integer(ty, out, i64::from(*value)),
            Value::BigInt(Some(value)) => integer(ty, out, *value),
            Value::TinyUnsigned(Some(value)) => integer(ty, out, i64::from(*value)),
            Value::SmallUnsigned(Some(value)) => integer(ty, out, i64::from(*value)),
            Value::Unsigned(Some(value)) => integer(ty, out, i64::from(*value)),
            Value::BigUnsigned(Some(value)) => integer(ty, out, i64::try_from(*value)?),
            Value::Float(Some(value)) => real(ty, out, f64::from(*value)),
            Value::Double(Some(value)) => real(ty, out, *value),
            Value::Char(Some(value)) => text(ty, out, &value.to_string()),
            Value::Enum(OptionEnum::Some(value)) => text(ty, out, &value.value),
            Value::String(Some(value)) => text(ty, out, value),
            Value::Bytes(Some(value)) => fit(ty, out, &[Type::BYTEA], "bytes", value),
            Value::Json(Some(value)) => fit(ty, out, &[Type::JSONB, Type::JSON], "JSON", value.as_ref()),
            Value::Uuid(Some(value)) => fit(ty, out, &[Type::UUID], "UUID", value),
            Value::ChronoDateTimeUtc(Some(value)) => fit(ty, out, &[Type::TIMESTAMPTZ], "instant", value),
            Value::Bool(None)
            | Value::TinyInt(None)
            | Value::SmallInt(None)
            | Value::Int(None)
            | Value::BigInt(None)
            | Value::TinyUnsigned(None)
            | Value::SmallUnsigned(None)
            | Value::Unsigned(None)
            | Value::BigUnsigned(None)
            | Value::Float(None)
            | Value::Double(None)
            | Value::Char(None)
            | Value::Enum(OptionEnum::None(_))
            | Value::String(None)
            | Value::Bytes(None)
            | Value::Json(None)
            | Value::Uuid(None)
            | Value::ChronoDateTimeUtc(None) => Ok(IsNull::Yes),
            _ => Err(Misfit { value: "another database's", parameter: ty.clone() }.into()),
        }
    }

    /// Every type is answered for in `to_sql`, in words that name both sides.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// The types of a statement's parameters, where the server could not tell one by its place and so took it for text:
/// `SELECT $1`, `CASE … THEN $1`. None when all fit.
pub(super) fn hints(statement: &Statement, parameters: &[Type]) -> Option<Vec<Type>> {
    let hint = |(value, parameter): (&Value, &Type)| match type_of(value) {
        Some(ty) if *parameter == Type::TEXT => ty,
        _ => Type::UNKNOWN,
    };
    let values = statement.values.iter().flat_map(|values| values.0.iter());
    let hints: Vec<Type> = values.zip(parameters).map(hint).collect();
    hints.iter().any(|hint| *hint != Type::UNKNOWN).then_some(hints)
}

/// What a value is by itself, unless it is text.
fn type_of(value: &Value) -> Option<Type> {
    Some(match value {
        Value::Bool(_) => Type::BOOL,
        Value::TinyInt(_) | Value::SmallInt(_) | Value::TinyUnsigned(_) => Type::INT2,
        Value::Int(_) | Value::SmallUnsigned(_) => Type::INT4,
        Value::BigInt(_) | Value::Unsigned(_) | Value::BigUnsigned(_) => Type::INT8,
        Value::Float(_) => Type::FLOAT4,
        Value::Double(_) => Type::FLOAT8,
        Value::Bytes(_) => Type::BYTEA,
        Value::Json(_) => Type::JSONB,
        Value::Uuid(_) => Type::UUID,
        Value::ChronoDateTimeUtc(_) => Type::TIMESTAMPTZ,
        _ => return None,
    })
}

fn fit<T: ToSql>(ty: &Type, out: &mut BytesMut, fitting: &[Type], kind: &'static str, value: &T) -> Written {
    if !fitting.contains(ty) {
        return Err(Misfit { value: kind, parameter: ty.clone() }.into());
    }
    value.to_sql(ty, out)
}

fn integer(ty: &Type, out: &mut BytesMut, value: i64) -> Written {
    match *ty {
        Type::INT2 => i16::try_from(value)?.to_sql(ty, out),
        Type::INT4 => i32::try_from(value)?.to_sql(ty, out),
        _ => fit(ty, out, &[Type::INT8], "integer", &value),
    }
}

fn real(ty: &Type, out: &mut BytesMut, value: f64) -> Written {
    match *ty {
        #[expect(clippy::cast_possible_truncation, reason = "the column keeps no more")]
        Type::FLOAT4 => (value as f32).to_sql(ty, out),
        _ => fit(ty, out, &[Type::FLOAT8], "number", &value),
    }
}

fn text(ty: &Type, out: &mut BytesMut, value: &str) -> Written {
    fit(ty, out, &[Type::TEXT, Type::VARCHAR, Type::BPCHAR, Type::NAME], "text", &value)
}

/// Reads all columns of a row as their types say.
///
/// # Errors
/// [`DbError::Decode`] when there are fewer or more columns, or a stored value is of another kind.
pub(super) fn decode_row(row: &Row, columns: &[ColumnType]) -> Result<Vec<Value>, DbError> {
    if row.len() != columns.len() {
        return Err(DbError::Decode(format!("{} columns asked for, {} selected", columns.len(), row.len())));
    }
    columns.iter().enumerate().map(|(index, column)| decode(row, index, column)).collect()
}

fn decode(row: &Row, index: usize, column: &ColumnType) -> Result<Value, DbError> {
    Ok(match column {
        ColumnType::Char(_) | ColumnType::String(_) | ColumnType::Text => Value::String(get(row, index, column)?),
        ColumnType::Boolean => Value::Bool(get(row, index, column)?),
        ColumnType::TinyInteger => Value::TinyInt(narrow(row, index, column)?),
        ColumnType::SmallInteger => Value::SmallInt(narrow(row, index, column)?),
        ColumnType::Integer => Value::Int(narrow(row, index, column)?),
        ColumnType::BigInteger => Value::BigInt(narrow(row, index, column)?),
        ColumnType::Float | ColumnType::Double => match row.columns().get(index).map(|found| found.type_()) {
            Some(&Type::FLOAT4) => Value::Double(get::<f32>(row, index, column)?.map(f64::from)),
            _ => Value::Double(get(row, index, column)?),
        },
        ColumnType::Blob | ColumnType::Binary(_) | ColumnType::VarBinary(_) => Value::Bytes(get(row, index, column)?),
        ColumnType::Uuid => Value::Uuid(get(row, index, column)?),
        ColumnType::Json | ColumnType::JsonBinary => {
            Value::Json(get::<serde_json::Value>(row, index, column)?.map(Box::new))
        }
        ColumnType::Timestamp | ColumnType::TimestampWithTimeZone => {
            Value::ChronoDateTimeUtc(get::<DateTime<Utc>>(row, index, column)?)
        }
        _ => return Err(DbError::Decode(format!("no PostgreSQL form is agreed for {column:?}"))),
    })
}

fn get<'r, T: FromSql<'r>>(row: &'r Row, index: usize, column: &ColumnType) -> Result<Option<T>, DbError> {
    row.try_get(index).map_err(|error| {
        let found = row.columns().get(index).map_or("nothing", |found| found.type_().name());
        DbError::Decode(format!("{found} in a column of type {column:?}: {error}"))
    })
}

/// The integer in the type that is asked for, whatever width the server keeps it in.
fn narrow<T: TryFrom<i64>>(row: &Row, index: usize, column: &ColumnType) -> Result<Option<T>, DbError> {
    let wide = match row.columns().get(index).map(|found| found.type_()) {
        Some(&Type::INT2) => get::<i16>(row, index, column)?.map(i64::from),
        Some(&Type::INT4) => get::<i32>(row, index, column)?.map(i64::from),
        _ => get::<i64>(row, index, column)?,
    };
    let wrong = || DbError::Decode(format!("an integer does not fit a column of type {column:?}"));
    wide.map(|value| T::try_from(value).map_err(|_| wrong())).transpose()
}
