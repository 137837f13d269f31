//! What may become a password. Rule: length and being guessable decide, never its composition; it is neither trimmed
//! nor shortened, because what is checked later must be what was typed.

use schemars::json_schema;
use secrecy::{ExposeSecret, SecretString};
use web::FieldRule;
use web::openapi::TEXT;

/// A password that may be set. It does not print.
#[derive(Debug, Clone)]
pub(crate) struct Password(SecretString);

/// Why a text may not become a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PasswordRefused {
    Length,
    Bytes,
    Common,
}

const SHORTEST: usize = 8;
const LONGEST: usize = 128;
const MOST_BYTES: usize = 512;

/// One per line, lower case, of eight characters and more.
const COMMON: &str = include_str!("common_passwords.txt");
const APPLICATION: &str = "cleave";

web::schemas! {
    Password => json_schema!({
        "type": "string",
        "format": "password",
        "minLength": SHORTEST,
        "maxLength": LONGEST,
        "pattern": TEXT,
        "description": "8 to 128 characters of any kind. Nothing that is guessed early: no word of a list of common \
                        passwords, not the account's own name or address.",
        "not": { "enum": one_character() },
    });
}

/// Those of the list that are one character over and over, which a program would try first.
fn one_character() -> Vec<String> {
    let alike = |text: &&str| text.chars().all(|c| text.starts_with(c));
    COMMON.lines().filter(alike).map(str::to_owned).collect()
}

impl Password {
    /// `about` is what a stranger knows of the account: its username and e-mail address.
    pub(crate) fn parse(raw: SecretString, about: &[&str]) -> Result<Self, PasswordRefused> {
        let text = raw.expose_secret();
        let characters = text.chars().count();
        if !(SHORTEST..=LONGEST).contains(&characters) {
            return Err(PasswordRefused::Length);
        }
        if text.len() > MOST_BYTES {
            return Err(PasswordRefused::Bytes);
        }
        if is_guessable(&text.to_lowercase(), about) {
            return Err(PasswordRefused::Common);
        }
        Ok(Self(raw))
    }

    pub(crate) const fn secret(&self) -> &SecretString {
        &self.0
    }
}

/// False for what no stored password can be: it is refused before hashing, for every account alike.
pub(crate) fn is_plausible(attempt: &SecretString) -> bool {
    let text = attempt.expose_secret();
    text.len() <= MOST_BYTES && text.chars().count() <= LONGEST
}

fn is_guessable(lowered: &str, about: &[&str]) -> bool {
    if COMMON.lines().any(|common| common == lowered) {
        return true;
    }
    // `anna2024!` is `anna`: what a guesser appends first adds nothing.
    let core = letters(lowered);
    let known = about.iter().flat_map(|text| [*text, text.split('@').next().unwrap_or_default()]);
    known
        .chain([APPLICATION])
        .map(str::to_lowercase)
        .any(|known| lowered == known || (!core.is_empty() && core == letters(&known)))
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphabetic()).collect()
}

impl FieldRule for PasswordRefused {
    fn code(&self) -> &'static str {
        match self {
            Self::Length | Self::Bytes => "invalid_length",
            Self::Common => "password_common",
        }
    }

    fn detail(&self) -> String {
        match self {
            Self::Length => format!("must have {SHORTEST} to {LONGEST} characters"),
            Self::Bytes => format!("must have at most {MOST_BYTES} bytes"),
            Self::Common => "is among the first that are guessed".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<(), PasswordRefused> {
        Password::parse(SecretString::from(text), &["anna.b", "ann@example.org"]).map(drop)
    }

    #[test]
    fn any_composition_of_eight_to_128_characters_is_accepted() {
        for text in ["korrekt horse", "        ", "ÄÖÜäöüßé", "\tx\ny\0z..", &"🔑".repeat(128), &"kx7".repeat(42)]
        {
            assert_eq!(parse(text), Ok(()), "{text:?}");
        }
    }

    #[test]
    fn it_is_kept_as_it_was_typed() {
        let password = Password::parse(SecretString::from("  spaced out  "), &[]).unwrap();
        assert_eq!(password.secret().expose_secret(), "  spaced out  ");
    }

    #[test]
    fn the_length_is_counted_in_characters() {
        assert_eq!(parse("kx7!pq2"), Err(PasswordRefused::Length));
        assert_eq!(parse("ÄÖÜäöüß"), Err(PasswordRefused::Length));
        assert_eq!(parse(&"x".repeat(129)), Err(PasswordRefused::Length));
        assert!(!is_plausible(&SecretString::from("x".repeat(129))));
        assert!(is_plausible(&SecretString::from("x")));
    }

    #[test]
    fn what_is_guessed_first_is_refused() {
        for text in [
            "password",
            "PassWord1",
            "12345678",
            "qwertyuiop",
            "iloveyou",
            "cleave123",
            "Cleave!!",
            "anna.b2024!",
            "ann12345",
            "ann@example.org",
            "ANN@example.org",
        ] {
            assert_eq!(parse(text), Err(PasswordRefused::Common), "{text:?}");
        }
    }

    #[test]
    fn the_list_is_long_enough_and_in_the_form_that_is_compared() {
        assert!(COMMON.lines().count() >= 3000, "{}", COMMON.lines().count());
        for line in COMMON.lines() {
            assert!(line.chars().count() >= SHORTEST && line == line.to_lowercase(), "{line:?}");
        }
    }
}
