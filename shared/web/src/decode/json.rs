//! JSON text into a typed body. Rule: a name that stands twice in an object is refused and not decided, because two
//! readers could decide differently; U+0000 is refused, because not every database can keep it.

use super::error::{Broken, DecodeError};
use super::object::Reading;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

/// A JSON value that still knows which names stood in it twice.
#[derive(Debug, Clone)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(String),
    Array(Vec<Self>),
    Object(Vec<(String, Self)>),
}

/// Why a body could not be read.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// It is not JSON; for people, where and why.
    Json(String),
    /// It is JSON and does not fit.
    Body(DecodeError),
}

/// Reads a body.
pub(crate) fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Unreadable> {
    let tree: Json = serde_json::from_slice(bytes).map_err(|error| not_json(&error))?;
    tree.check().map_err(Unreadable::Body)?;
    T::deserialize(Reading(tree)).map_err(Unreadable::Body)
}

/// A lone surrogate is well-formed JSON that stands for no text; serde_json has no other sign of it than its words.
fn not_json(error: &serde_json::Error) -> Unreadable {
    let text = error.to_string();
    if text.starts_with("lone leading surrogate") || text.starts_with("unexpected end of hex escape") {
        return Unreadable::Body(DecodeError::new(Broken::Value("a text holds half of a surrogate pair".to_owned())));
    }
    Unreadable::Json(text)
}

impl Json {
    fn check(&self) -> Result<(), DecodeError> {
        match self {
            Self::Text(text) => check_text(text),
            Self::Array(items) => {
                let mut items = items.iter().enumerate();
                items.try_for_each(|(index, item)| item.check().map_err(|error| error.within(index.to_string())))
            }
            Self::Object(members) => {
                let mut seen = HashSet::new();
                members.iter().try_for_each(|(name, value)| {
                    check_text(name)?;
                    if !seen.insert(name) {
                        return Err(DecodeError::new(Broken::Repeated).within(name));
                    }
                    value.check().map_err(|error| error.within(name))
                })
            }
            _ => Ok(()),
        }
    }
}

fn check_text(text: &str) -> Result<(), DecodeError> {
    if text.contains('\0') {
        return Err(DecodeError::new(Broken::Value("must not contain U+0000".to_owned())));
    }
    Ok(())
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Unsigned(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Signed(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Json::Object(members))
    }
}
