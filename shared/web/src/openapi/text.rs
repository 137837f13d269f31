//! Texts, as JSON Schema says what may stand in them. Rule: a pattern is ECMA-262 without lookbehind, and allows exactly
//! what the code allows; lengths count characters in both.

use schemars::{Schema, json_schema};
use std::ops::RangeInclusive;

/// Whatever JSON can carry and every database can keep.
pub const TEXT: &str = r"^[^\u0000]*$";

/// One line that is not blank: no control characters, no separators of lines, nothing that turns the direction of the
/// text that follows.
pub const LINE: &str = concat!(
    r"^[^\u0000-\u001F\u007F-\u009F\u2028-\u202E\u2066-\u2069]*",
    r"[^\u0000-\u0020\u007F-\u00A0\u1680\u2000-\u200A\u2028-\u202F\u205F\u2066-\u2069\u3000]",
    r"[^\u0000-\u001F\u007F-\u009F\u2028-\u202E\u2066-\u2069]*$",
);

/// Any number of lines: of the control characters, line ends and tabs alone; nothing that turns the direction.
pub const LINES: &str = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]*$";

/// A text of so many characters.
#[must_use]
pub fn text(characters: RangeInclusive<usize>, pattern: &str) -> Schema {
    let (least, most) = characters.into_inner();
    json_schema!({ "type": "string", "minLength": least, "maxLength": most, "pattern": pattern })
}

/// Says what the schema of a type is, where it stands in bodies and parameters:
/// `schemas! { Title => text(1..=200, LINE); }`. For texts and their like, which have no place of their own in the
/// document.
#[macro_export]
macro_rules! schemas {
    ($($name:ty => $schema:expr;)+) => {$(
        impl $crate::schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                ::std::borrow::Cow::Borrowed(stringify!($name))
            }

            fn schema_id() -> ::std::borrow::Cow<'static, str> {
                ::std::borrow::Cow::Borrowed(concat!(module_path!(), "::", stringify!($name)))
            }

            fn json_schema(_: &mut $crate::schemars::SchemaGenerator) -> $crate::schemars::Schema {
                $schema
            }
        }
    )+};
}
