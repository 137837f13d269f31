//! From text to a typed request. Rule: a refusal names the place and the rule that was broken, in stable codes and
//! without the names of Rust types.

mod error;
mod json;
mod object;
mod query;

pub(crate) use error::{Broken, DecodeError, pointer};
pub(crate) use json::{Unreadable, from_json};
pub(crate) use query::{from_pairs, pairs};
