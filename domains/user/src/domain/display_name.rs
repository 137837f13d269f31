//! How a user wishes to be called. Rule: one visible line; a name with a line break or a direction mark would forge
//! headers and log lines, and mail libraries panic on it.

use web::FieldRule;
use web::openapi::text;

/// A valid display name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DisplayName(String);

/// Why a text is no display name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DisplayNameRefused {
    Length,
    Invisible,
}

const LONGEST: usize = 100;

/// No control or direction characters, and one that is no blank.
const PATTERN: &str = concat!(
    r"^[^\u0000-\u001F\u007F-\u009F\u061C\u200B\u200E\u200F\u2028-\u202E\u2060-\u206F\uFEFF]*",
    r"[^\u0000-\u0020\u007F-\u00A0\u061C\u1680\u2000-\u200B\u200E\u200F\u2028-\u202F\u205F-\u206F\u3000\uFEFF]",
    r"[^\u0000-\u001F\u007F-\u009F\u061C\u200B\u200E\u200F\u2028-\u202E\u2060-\u206F\uFEFF]*$",
);

web::schemas! {
    DisplayName => text(1..=LONGEST, PATTERN);
}

impl DisplayName {
    pub(crate) fn parse(raw: &str) -> Result<Self, DisplayNameRefused> {
        if raw.chars().any(is_invisible) {
            return Err(DisplayNameRefused::Invisible);
        }
        let name = raw.trim();
        // The blanks count, so that the rule is one about what was sent.
        if name.is_empty() || raw.chars().count() > LONGEST {
            return Err(DisplayNameRefused::Length);
        }
        Ok(Self(name.to_owned()))
    }

    /// What the store holds was parsed before it was written.
    pub(crate) const fn stored(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Control characters, line and paragraph separators, and what turns the direction of the text that follows.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

impl FieldRule for DisplayNameRefused {
    fn code(&self) -> &'static str {
        match self {
            Self::Length => "invalid_length",
            Self::Invisible => "invalid_character",
        }
    }

    fn detail(&self) -> String {
        match self {
            Self::Length => format!("must have 1 to {LONGEST} characters"),
            Self::Invisible => "must not have control or direction characters".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_script_are_accepted_and_trimmed() {
        for (raw, name) in [
            ("Anna", "Anna"),
            ("  Jörg Müller ", "Jörg Müller"),
            ("山田 太郎", "山田 太郎"),
            ("أحمد", "أحمد"),
            ("👩‍🚀", "👩‍🚀"),
        ] {
            assert_eq!(DisplayName::parse(raw).unwrap().as_str(), name);
        }
        assert!(DisplayName::parse(&"ä".repeat(100)).is_ok());
    }

    #[test]
    fn what_forges_lines_is_refused() {
        for name in [
            "a\rb",
            "a\nb",
            "a\0",
            "\n",
            "a\u{85}b",
            "a\u{202E}b",
            "a\u{2028}b",
            "a\u{2066}b",
            "\u{FEFF}a",
            "a\u{1b}[31m",
        ] {
            assert_eq!(DisplayName::parse(name), Err(DisplayNameRefused::Invisible), "{name:?}");
        }
        for name in ["", "   ", &"x".repeat(101), &"x".repeat(10_000)] {
            assert_eq!(DisplayName::parse(name), Err(DisplayNameRefused::Length));
        }
    }
}
