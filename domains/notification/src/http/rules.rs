//! What a broken rule is called in an answer.

use crate::domain::TextRule;
use web::FieldRule;

/// A channel that does not exist, or not yet.
pub(super) struct UnsupportedChannel;

impl FieldRule for TextRule {
    fn code(&self) -> &'static str {
        match self {
            Self::Empty => "too_short",
            Self::TooLong(_) => "too_long",
            Self::ControlCharacter => "control_character",
            Self::Characters => "invalid_characters",
            Self::Reserved => "reserved",
            Self::Address => "invalid_url",
        }
    }

    fn detail(&self) -> String {
        match self {
            Self::Empty => "must not be empty or blank".to_owned(),
            Self::TooLong(max) => format!("must have at most {max} characters"),
            Self::ControlCharacter => "must not hold characters that do not print".to_owned(),
            Self::Characters => "must be made of a to z, 0 to 9, `.`, `_` and `-`".to_owned(),
            Self::Reserved => "must be another word: this one has a meaning in filters".to_owned(),
            Self::Address => "must be a path that begins with one `/`, or an http or https address".to_owned(),
        }
    }
}

impl FieldRule for UnsupportedChannel {
    fn code(&self) -> &'static str {
        "unsupported_channel"
    }

    fn detail(&self) -> String {
        "must be `in_app`, the only channel there is".to_owned()
    }
}
