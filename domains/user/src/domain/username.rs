//! The name a user signs in with. Rule: `[a-z0-9_.-]`, so that two usernames that look alike are alike.

use schemars::json_schema;
use std::fmt::{self, Display};
use web::FieldRule;

/// A valid username, always lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Username(String);

/// Why a text is no username.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UsernameRefused {
    Length,
    Character,
}

web::schemas! {
    Username => json_schema!({ "type": "string", "pattern": "^[a-z0-9_.-]{3,50}$" });
}

impl Username {
    pub(crate) fn parse(raw: &str) -> Result<Self, UsernameRefused> {
        if !raw.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.' | '-')) {
            return Err(UsernameRefused::Character);
        }
        if !(3..=50).contains(&raw.len()) {
            return Err(UsernameRefused::Length);
        }
        Ok(Self(raw.to_owned()))
    }

    /// What the store holds was parsed before it was written.
    pub(crate) const fn stored(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FieldRule for UsernameRefused {
    fn code(&self) -> &'static str {
        match self {
            Self::Length => "invalid_length",
            Self::Character => "invalid_format",
        }
    }

    fn detail(&self) -> String {
        match self {
            Self::Length => "must have 3 to 50 characters".to_owned(),
            Self::Character => "may only have the characters a-z, 0-9, _, . and -".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_letters_digits_and_three_signs_are_accepted() {
        for name in ["abc", "a.b-c_1", "000", &"x".repeat(50)] {
            assert_eq!(Username::parse(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn all_else_is_refused() {
        for name in ["Anna", "an na", "änna", "anna\n", "anna\0", "a@b", "аnna", "a/b"] {
            assert_eq!(Username::parse(name), Err(UsernameRefused::Character), "{name:?}");
        }
        for name in ["", "ab", &"x".repeat(51)] {
            assert_eq!(Username::parse(name), Err(UsernameRefused::Length), "{name:?}");
        }
    }
}
