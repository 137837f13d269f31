//! The opaque cursor. Rule: it is bound to its list, filters and sort, and carries a checksum, so that a cursor of
//! another list and a damaged one are told apart. It is not a secret: all it can say is where to go on.

use crate::problem::{Problem, ProblemCode};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Characters; the longest honest one holds a few titles.
pub(crate) const MAX_LENGTH: usize = 8 * 1024;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    /// The list, its filters and its sort.
    f: String,
    /// The values of the sort keys in the last row.
    k: Vec<Value>,
    /// Over both.
    c: String,
}

/// The cursor behind the row that has these values.
pub(super) fn encode(fingerprint: &[u8], values: Vec<Value>) -> Result<String, serde_json::Error> {
    let list = short(fingerprint);
    let c = checksum(&list, &values)?;
    Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(&Cursor { f: list, k: values, c })?))
}

/// The values of a cursor.
pub(super) fn decode(fingerprint: &[u8], text: &str) -> Result<Vec<Value>, Problem> {
    let cursor = read(text).ok_or_else(refusal)?;
    if cursor.f != short(fingerprint) {
        return Err(Problem::new(ProblemCode::CursorMismatch));
    }
    Ok(cursor.k)
}

/// 400 `invalid_cursor`.
pub(super) fn refusal() -> Problem {
    Problem::new(ProblemCode::InvalidCursor)
}

fn read(text: &str) -> Option<Cursor> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    let cursor: Cursor = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    (cursor.c == checksum(&cursor.f, &cursor.k).ok()?).then_some(cursor)
}

fn checksum(list: &str, values: &[Value]) -> Result<String, serde_json::Error> {
    let text = serde_json::to_string(&(list, values))?;
    Ok(short(digest(&SHA256, text.as_bytes()).as_ref()))
}

/// 72 bits tell lists apart and damage from health.
fn short(hash: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(hash.get(..9).unwrap_or(hash))
}
