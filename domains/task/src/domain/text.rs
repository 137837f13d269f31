//! Texts that people type. Rule: checked once, where they come in, counted in characters; what a line of text must
//! never hold (line ends, NUL, overrides of the writing direction) would reach subjects of mails and other people's
//! terminals.

/// Why a text is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TextError {
    #[error("must have {min} to {max} characters")]
    TooShort { min: usize, max: usize },
    #[error("must have {min} to {max} characters")]
    TooLong { min: usize, max: usize },
    #[error("must not be blank")]
    Blank,
    #[error("must not contain control characters or overrides of the writing direction")]
    ForbiddenCharacter,
}

impl TextError {
    /// The name of the broken rule in an answer.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::TooShort { .. } => "too_short",
            Self::TooLong { .. } => "too_long",
            Self::Blank => "blank",
            Self::ForbiddenCharacter => "forbidden_character",
        }
    }
}

macro_rules! text {
    ($($(#[$doc:meta])* $name:ident = $check:ident($min:literal, $max:literal), $pattern:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub(crate) struct $name(String);

        impl $name {
            /// Checks what came from outside.
            pub(crate) fn parse(raw: String) -> Result<Self, TextError> {
                $check(&raw, $min, $max)?;
                Ok(Self(raw))
            }

            /// Takes back what was checked before it was stored: a rule made stricter must not hide old rows.
            pub(crate) const fn stored(text: String) -> Self {
                Self(text)
            }

            pub(crate) fn as_str(&self) -> &str {
                &self.0
            }
        }

        web::schemas! { $name => web::openapi::text($min..=$max, $pattern); }
    )+};
}

text! {
    /// What is to be done, in one line.
    Title = line(1, 200), web::openapi::LINE;
    /// The name of a category.
    CategoryName = line(1, 80), web::openapi::LINE;
    /// Free text of many lines.
    Description = lines(0, 20_000), web::openapi::LINES;
}

/// One line that says something.
pub(super) fn line(text: &str, min: usize, max: usize) -> Result<(), TextError> {
    length(text, min, max)?;
    if text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') || overrides_direction(c)) {
        return Err(TextError::ForbiddenCharacter);
    }
    if text.trim().is_empty() { Err(TextError::Blank) } else { Ok(()) }
}

fn lines(text: &str, min: usize, max: usize) -> Result<(), TextError> {
    length(text, min, max)?;
    let forbidden = |c: char| (c.is_control() && !matches!(c, '\n' | '\r' | '\t')) || overrides_direction(c);
    if text.chars().any(forbidden) { Err(TextError::ForbiddenCharacter) } else { Ok(()) }
}

fn length(text: &str, min: usize, max: usize) -> Result<(), TextError> {
    match text.chars().count() {
        count if count < min => Err(TextError::TooShort { min, max }),
        count if count > max => Err(TextError::TooLong { min, max }),
        _ => Ok(()),
    }
}

const fn overrides_direction(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_counted_in_characters() {
        assert!(Title::parse("ä".repeat(200)).is_ok());
        assert_eq!(Title::parse("ä".repeat(201)), Err(TextError::TooLong { min: 1, max: 200 }));
        assert_eq!(Title::parse(String::new()), Err(TextError::TooShort { min: 1, max: 200 }));
    }

    #[test]
    fn a_line_holds_nothing_that_breaks_out_of_it() {
        for bad in ["a\nb", "a\rb", "a\0b", "a\u{202E}b", "a\u{2028}b", "a\u{2066}b", "\u{7f}", "a\tb"] {
            assert_eq!(Title::parse(bad.to_owned()), Err(TextError::ForbiddenCharacter), "{bad:?}");
        }
        assert_eq!(Title::parse(" \u{3000} ".to_owned()), Err(TextError::Blank));
        assert!(Title::parse("قائمة 🛒 <b>".to_owned()).is_ok());
    }

    #[test]
    fn a_description_has_many_lines_and_may_be_empty() {
        assert!(Description::parse("a\r\n\tb\n".to_owned()).is_ok());
        assert!(Description::parse(String::new()).is_ok());
        assert_eq!(Description::parse("a\0".to_owned()), Err(TextError::ForbiddenCharacter));
        assert!(Description::parse("x".repeat(20_000)).is_ok());
        assert!(Description::parse("x".repeat(20_001)).is_err());
    }
}
