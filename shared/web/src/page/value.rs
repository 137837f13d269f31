//! Column values as they travel in a cursor. Rule: what comes back is read as the column's type, so a cursor can only
//! ever become a bound value of that type.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{ArrayType, Value};
use serde_json::{Value as Json, json};
use uuid::Uuid;

/// The value for a cursor; `None` for a type that cannot be sorted by.
pub(super) fn to_json(value: &Value) -> Option<Json> {
    Some(match value {
        Value::Bool(value) => json!(value),
        Value::SmallInt(value) => json!(value),
        Value::Int(value) => json!(value),
        Value::BigInt(value) => json!(value),
        Value::String(value) => json!(value),
        Value::Uuid(value) => json!(value.map(|id| id.to_string())),
        Value::ChronoDateTimeUtc(value) => json!(value.map(|instant| instant.timestamp_micros())),
        _ => return None,
    })
}

/// The value of a column of that type.
pub(super) fn from_json(json: &Json, kind: &ArrayType) -> Option<Value> {
    Some(match kind {
        ArrayType::Bool => json.as_bool()?.into(),
        ArrayType::SmallInt => i16::try_from(json.as_i64()?).ok()?.into(),
        ArrayType::Int => i32::try_from(json.as_i64()?).ok()?.into(),
        ArrayType::BigInt => json.as_i64()?.into(),
        ArrayType::String => json.as_str()?.into(),
        ArrayType::Uuid => json.as_str()?.parse::<Uuid>().ok()?.into(),
        ArrayType::ChronoDateTimeUtc => DateTime::<Utc>::from_timestamp_micros(json.as_i64()?)?.into(),
        _ => return None,
    })
}
