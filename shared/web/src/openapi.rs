//! The API's description of itself: an OpenAPI 3.1 document, made from what the routes say of themselves. Rule: what
//! all endpoints have in common is said once, here, by the name of the convention; a handler adds what is its own.

mod answers;
mod assembly;
mod conventions;
mod document;
mod operation;
mod parameters;
mod problems;
mod text;

pub use answers::Reply;
pub use assembly::{Document, Info};
pub use operation::{Described, Operation};
pub use text::{LINE, LINES, TEXT, text};

use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

/// Makes the schema of a type; its definitions stay with the generator.
type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// An example, made when somebody reads the document.
pub type Example = fn() -> Value;
