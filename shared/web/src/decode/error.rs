//! Why a value does not fit the type it was read into. Rule: the error grows its path on the way out, so that what
//! reads the values need not know where they stand.

use serde::de::{self, Expected, Unexpected};
use std::fmt::{self, Display};

/// A value that does not fit, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DecodeError {
    /// From the inside out.
    path: Vec<String>,
    pub(crate) broken: Broken,
}

/// The rule that a value broke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The field has no meaning here; these have.
    Unknown(&'static [&'static str]),
    /// The field must be there.
    Missing,
    /// The field is there twice.
    Repeated,
    /// A value of another kind is needed.
    Kind(String),
    /// The value is of the right kind and not allowed.
    Value(String),
}

impl DecodeError {
    pub(crate) const fn new(broken: Broken) -> Self {
        Self { path: Vec::new(), broken }
    }

    /// The same error, seen from one level further out.
    pub(crate) fn within(mut self, segment: impl Into<String>) -> Self {
        self.path.push(segment.into());
        self
    }

    /// The names from the outermost to the innermost.
    pub(crate) fn path(&self) -> Vec<String> {
        self.path.iter().rev().cloned().collect()
    }

    /// Stable name of the rule.
    pub(crate) const fn code(&self) -> &'static str {
        match self.broken {
            Broken::Unknown(_) => "unknown_field",
            Broken::Missing => "required",
            Broken::Repeated => "duplicate_field",
            Broken::Kind(_) => "invalid_type",
            Broken::Value(_) => "invalid_value",
        }
    }

    /// For people.
    pub(crate) fn detail(&self) -> String {
        match &self.broken {
            Broken::Unknown(_) => "is not a field that can be written here".to_owned(),
            Broken::Missing => "is required".to_owned(),
            Broken::Repeated => "is given more than once".to_owned(),
            Broken::Kind(text) | Broken::Value(text) => text.clone(),
        }
    }
}

/// JSON pointer (RFC 6901) of a path.
pub(crate) fn pointer(path: &[String]) -> String {
    path.iter().map(|segment| format!("/{}", segment.replace('~', "~0").replace('/', "~1"))).collect()
}

/// What serde says a type expects, in the words of JSON.
fn in_json(expected: &dyn Expected) -> String {
    let expected = expected.to_string();
    let kind = match expected.as_str() {
        "a map" => "an object",
        "a sequence" => "an array",
        "i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64" | "usize" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        text if text.starts_with("struct ") => "an object",
        text if ["enum ", "tuple", "unit", "newtype ", "option", "variant"]
            .iter()
            .any(|rust| text.starts_with(rust)) =>
        {
            "a value of another kind"
        }
        text => text,
    };
    format!("must be {kind}")
}

impl de::Error for DecodeError {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(Broken::Value(message.to_string()))
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(Broken::Kind(in_json(expected)))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(Broken::Value(in_json(expected)))
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::new(Broken::Value(in_json(expected)))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::new(Broken::Value(format!("must be one of {}", expected.join(", "))))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::new(Broken::Unknown(expected)).within(field)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(Broken::Missing).within(field)
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new(Broken::Repeated).within(field)
    }
}

impl Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", pointer(&self.path()), self.detail())
    }
}

impl std::error::Error for DecodeError {}
