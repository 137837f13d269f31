//! What a notification says. Rule: plain text; control characters and those that turn the direction of writing never
//! get in, because the text also ends up in mail headers, logs and other people's pages.

use schemars::json_schema;
use web::openapi::{LINE, text};

/// What a notification says and where it leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) category: Option<Category>,
    pub(crate) title: Title,
    pub(crate) body: Option<Body>,
    pub(crate) action_url: Option<ActionUrl>,
}

/// The rule that a text breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextRule {
    /// Nothing is left of it without the blanks around it.
    Empty,
    /// More characters than the bound given here.
    TooLong(usize),
    /// A character that does not print, or that turns the direction of writing.
    ControlCharacter,
    /// Not made of lower-case letters, digits, `.`, `_` and `-`.
    Characters,
    /// A word with a meaning of its own in filters.
    Reserved,
    /// Neither a path of this system nor an `http` or `https` address.
    Address,
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub(crate) struct $name(String);

        impl $name {
            /// Takes back what passed the rule when it was stored.
            pub(crate) const fn stored(text: String) -> Self {
                Self(text)
            }

            /// The text.
            pub(crate) fn as_str(&self) -> &str {
                &self.0
            }
        }
    )+};
}

/// Characters that no link holds, as a class of a pattern.
macro_rules! link {
    () => {
        r"\\\u0000-\u0020\u007F-\u00A0\u1680\u2000-\u200A\u2028-\u202F\u205F\u2066-\u2069\u3000"
    };
}

texts! {
    /// One line of 1 to 200 characters.
    Title;
    /// At most 10,000 characters on any number of lines.
    Body;
    /// What a recipient sorts by: an event's type without version, or a word of the author's.
    Category;
    /// Where a click leads: a path of this system or a web address.
    ActionUrl;
}

/// Any number of lines; of the control characters, line ends and tabs alone.
const BODY: &str = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\u2028-\u202E\u2066-\u2069]*$";
/// `none` has a meaning in filters.
const CATEGORY: &str = "^(?!none$)[a-z0-9._-]+$";
/// A path, or a scheme, a host of ASCII labels, perhaps a port, and what follows. No blank, nothing that does not print,
/// no backslash.
const ACTION_URL: &str = concat!(
    "^(?:/(?:[^/",
    link!(),
    "][^",
    link!(),
    "]*)?|https?://[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*(?::[0-9]{1,5})?",
    "(?:[/?#][^",
    link!(),
    "]*)?)$",
);

web::schemas! {
    Title => text(1..=Title::MAX, LINE);
    Body => text(0..=Body::MAX, BODY);
    Category => text(1..=Category::MAX, CATEGORY);
    ActionUrl => json_schema!({ "type": "string", "maxLength": ActionUrl::MAX, "pattern": ACTION_URL });
}

impl Title {
    const MAX: usize = 200;

    /// Checks what somebody wrote; blanks around it are dropped.
    pub(crate) fn parse(raw: &str) -> Result<Self, TextRule> {
        let text = raw.trim();
        if text.is_empty() {
            return Err(TextRule::Empty);
        }
        // The blanks count, so that the rule is one about what was sent.
        bounded(raw, Self::MAX)?;
        if raw.chars().any(is_unprintable) {
            return Err(TextRule::ControlCharacter);
        }
        Ok(Self(text.to_owned()))
    }

    /// Makes a title of whatever an event brought: what may not stand in one becomes a blank, and what is too long
    /// ends in an ellipsis. Total, because a text that somebody chose must never stop an event.
    pub(crate) fn of(text: &str) -> Self {
        let clean = printable(text);
        let clean = clean.trim();
        if clean.chars().count() <= Self::MAX {
            return Self(if clean.is_empty() { "-".to_owned() } else { clean.to_owned() });
        }
        let mut short: String = clean.chars().take(Self::MAX - 1).collect();
        short.push('…');
        Self(short)
    }
}

impl Body {
    const MAX: usize = 10_000;

    /// Checks what somebody wrote; line breaks and tabs may stand in it.
    pub(crate) fn parse(raw: &str) -> Result<Self, TextRule> {
        bounded(raw, Self::MAX)?;
        if raw.chars().any(|c| !matches!(c, '\n' | '\r' | '\t') && is_unprintable(c)) {
            return Err(TextRule::ControlCharacter);
        }
        Ok(Self(raw.to_owned()))
    }

    /// As [`Title::of`]; one paragraph.
    pub(crate) fn of(text: &str) -> Self {
        Self(printable(text).chars().take(Self::MAX).collect())
    }
}

impl Category {
    const MAX: usize = 80;

    /// Checks what somebody wrote. A comma would mean "or" in a filter, and `none` means no category.
    pub(crate) fn parse(raw: &str) -> Result<Self, TextRule> {
        if raw.is_empty() {
            return Err(TextRule::Empty);
        }
        bounded(raw, Self::MAX)?;
        if !raw.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '.' | '_' | '-')) {
            return Err(TextRule::Characters);
        }
        if raw == "none" {
            return Err(TextRule::Reserved);
        }
        Ok(Self(raw.to_owned()))
    }

    /// The category of what an event of that type (without version) causes.
    pub(crate) fn of_event(type_without_version: &str) -> Self {
        Self(type_without_version.to_owned())
    }
}

impl ActionUrl {
    const MAX: usize = 2_000;

    /// Checks what somebody wrote. Only what a page may safely put into a link: no `javascript:`, no other scheme, no
    /// name or password in the address, and no path that a browser takes for another host.
    pub(crate) fn parse(raw: &str) -> Result<Self, TextRule> {
        if raw.is_empty() {
            return Err(TextRule::Empty);
        }
        bounded(raw, Self::MAX)?;
        if raw.chars().any(|c| is_unprintable(c) || c.is_whitespace() || c == '\\') {
            return Err(TextRule::ControlCharacter);
        }
        if is_path(raw) || is_web_address(raw) { Ok(Self(raw.to_owned())) } else { Err(TextRule::Address) }
    }

    /// The task's own path.
    pub(crate) fn task(task: contracts::TaskId) -> Self {
        Self(format!("/api/v1/tasks/{task}"))
    }
}

fn is_path(raw: &str) -> bool {
    raw.starts_with('/') && !raw.starts_with("//")
}

fn is_web_address(raw: &str) -> bool {
    let Some(rest) = raw.strip_prefix("https://").or_else(|| raw.strip_prefix("http://")) else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    let is_port = |port: &str| (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit());
    host.split('.').all(is_label) && port.is_none_or(is_port)
}

/// Letters, digits and hyphens inside: no name or password, nothing that a reader could take for another host.
fn is_label(label: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !label.is_empty() && label.bytes().all(inside) && !label.starts_with('-') && !label.ends_with('-')
}

fn bounded(text: &str, max: usize) -> Result<(), TextRule> {
    // A character has one byte at least: the count is taken only where it can matter.
    if text.len() > max && text.chars().count() > max { Err(TextRule::TooLong(max)) } else { Ok(()) }
}

fn printable(text: &str) -> String {
    text.chars().map(|c| if is_unprintable(c) { ' ' } else { c }).collect()
}

/// Control characters, line and paragraph separators, and what turns the direction of the text that follows. The mere
/// marks that Arabic and Hebrew need pass.
fn is_unprintable(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_printable_line_of_1_to_200_characters() {
        assert_eq!(Title::parse("  Lunch  ").unwrap().as_str(), "Lunch");
        assert_eq!(Title::parse(&"ü".repeat(200)).unwrap().as_str().chars().count(), 200);
        assert_eq!(Title::parse(&"ü".repeat(201)), Err(TextRule::TooLong(200)));
        for blank in ["", "   ", "\n"] {
            assert_eq!(Title::parse(blank), Err(TextRule::Empty), "{blank:?}");
        }
        for bad in ["a\r\nBcc: x", "a\0b", "a\u{202E}b", "a\u{2066}b", "a\u{2028}b", "a\u{85}b", "a\u{1b}[0m"] {
            assert_eq!(Title::parse(bad), Err(TextRule::ControlCharacter), "{bad:?}");
        }
    }

    #[test]
    fn a_body_may_have_lines_but_no_control_characters() {
        assert_eq!(Body::parse("one\r\n\ttwo\n").unwrap().as_str(), "one\r\n\ttwo\n");
        assert_eq!(Body::parse("").unwrap().as_str(), "");
        assert_eq!(Body::parse("a\u{0}b"), Err(TextRule::ControlCharacter));
        assert_eq!(Body::parse("a\u{202D}b"), Err(TextRule::ControlCharacter));
        assert_eq!(Body::parse(&"a".repeat(10_001)), Err(TextRule::TooLong(10_000)));
    }

    #[test]
    fn a_category_can_stand_in_a_filter() {
        assert!(Category::parse("task.completed").is_ok());
        assert!(Category::parse("release-notes_2").is_ok());
        assert_eq!(Category::parse(""), Err(TextRule::Empty));
        assert_eq!(Category::parse("none"), Err(TextRule::Reserved));
        assert_eq!(Category::parse(&"a".repeat(81)), Err(TextRule::TooLong(80)));
        for bad in ["a,b", "A", "a b", "ä", "a\n"] {
            assert_eq!(Category::parse(bad), Err(TextRule::Characters), "{bad:?}");
        }
    }

    #[test]
    fn an_action_leads_to_a_path_or_to_the_web() {
        for good in ["/api/v1/tasks/1", "/", "https://example.org/a?b=c#d", "http://127.0.0.1:8000/x"] {
            assert!(ActionUrl::parse(good).is_ok(), "{good}");
        }
        let bad = [
            "javascript:alert(1)",
            "//evil.example",
            "https://",
            "https:///a",
            "https://u:p@e.example/",
            "http://a:/",
            "http://a:123456",
            "https://\u{435}.example",
            "http://-a",
            "http://a..b",
            "http://[::1]/",
        ];
        for bad in bad.into_iter().chain(["file:///etc/passwd", "data:text/html,x", "tasks/1", "HTTPS://e.example"]) {
            assert_eq!(ActionUrl::parse(bad), Err(TextRule::Address), "{bad}");
        }
        for bad in ["/\\evil.example", "/a b", "/a\nb", "https://e.example/\u{202E}"] {
            assert_eq!(ActionUrl::parse(bad), Err(TextRule::ControlCharacter), "{bad}");
        }
        assert_eq!(ActionUrl::parse(""), Err(TextRule::Empty));
        assert_eq!(ActionUrl::parse(&format!("/{}", "a".repeat(2_000))), Err(TextRule::TooLong(2_000)));
    }

    #[test]
    fn whatever_an_event_brings_becomes_a_title() {
        assert_eq!(Title::of("a\r\nb\u{202E}c").as_str(), "a  b c");
        assert_eq!(Title::of("\n\0").as_str(), "-");
        let long = Title::of(&"ü".repeat(500));
        assert_eq!(long.as_str().chars().count(), 200);
        assert!(long.as_str().ends_with('…'));
        for text in ["a\nb", "", &"ü".repeat(500)] {
            assert!(Title::parse(Title::of(text).as_str()).is_ok(), "{text:?}");
        }
    }
}
