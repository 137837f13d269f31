//! Where a setting came from. Rule: flags over environment over cleave.toml over the defaults of the binary over
//! the commented defaults file; every value stays text with its source until it is read, so that an error can
//! quote what the operator typed.

use crate::start_error::StartError;
use std::collections::BTreeMap;
use std::fmt::{self, Debug, Display, Formatter};

const DEFAULTS: &str = include_str!("../defaults.toml");
const PREFIX: &str = "CLEAVE_";
/// Variables of the test-suite, which share the prefix.
const TEST_PREFIX: &str = "CLEAVE_TEST_";
/// Never quoted in an error.
const SECRETS: &[&str] = &["keys_secret", "seal_secret", "admin_password", "internal_token", "bus", "token"];
/// The end of a key whose value is a URL with a password in it; never quoted either.
const SECRET_URL: &str = "database_url";

/// Everything that settings are read from.
#[derive(Default)]
pub(crate) struct Sources<'a> {
    pub(crate) flags: Vec<(&'static str, String)>,
    pub(crate) environment: Vec<(String, String)>,
    /// The text of `cleave.toml`, where there is one.
    pub(crate) file: Option<String>,
    /// What a domain's own binary does otherwise than the defaults file says.
    pub(crate) binary: Vec<(&'a str, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Default,
    File,
    Environment,
    Flag,
}

/// One setting as text.
#[derive(Clone)]
pub(crate) struct Setting {
    key: String,
    text: String,
    source: Source,
}

impl Setting {
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The text, unless the setting is not set.
    pub(crate) fn given(&self) -> Option<&str> {
        Some(self.text.as_str()).filter(|text| !text.is_empty())
    }

    /// The setting as the operator typed it, without the value: `CLEAVE_PORT`, `--port`, `port in cleave.toml`.
    pub(crate) fn name(&self) -> String {
        match self.source {
            Source::Flag => format!("--{}", self.key.replace('_', "-")),
            Source::File => format!("{} in cleave.toml", self.key),
            Source::Environment | Source::Default => variable(&self.key),
        }
    }

    /// `CLEAVE_PORT=abc is not a port`; without the value where it is a secret.
    pub(crate) fn refuse(&self, why: impl Display) -> StartError {
        let Self { key, text, .. } = self;
        if SECRETS.contains(&key.as_str()) || key.ends_with(SECRET_URL) {
            return StartError::new(format!("{} {why}", self.name()));
        }
        StartError::new(match self.source {
            Source::Flag => format!("{} {}", self.name(), without_login(&format!("{text} {why}"))),
            Source::File => format!("cleave.toml: {key} = {}", without_login(&format!("\"{text}\" {why}"))),
            Source::Environment | Source::Default => {
                format!("{}={}", self.name(), without_login(&format!("{text} {why}")))
            }
        })
    }
}

impl Debug for Setting {
    /// Without the value: of a secret, too, nobody may see more than that it is set.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { key, text, source } = self;
        f.debug_struct("Setting").field("key", key).field("source", source).field("set", &!text.is_empty()).finish()
    }
}

/// What an operator typed, without what looks like a login: `http://name:password@host` in a setting that takes none.
pub(crate) fn without_login(text: &str) -> String {
    let Some((before, host)) = text.rsplit_once('@') else { return text.to_owned() };
    let scheme = before.find("://").and_then(|at| before.get(..at + "://".len())).unwrap_or_default();
    format!("{scheme}…@{host}")
}

/// The settings of all layers, by key.
#[derive(Debug)]
pub(crate) struct Settings(BTreeMap<String, Setting>);

impl Settings {
    /// Lays the sources over one another.
    ///
    /// # Errors
    /// A name that is no setting, or a file that is no TOML.
    pub(crate) fn read(sources: Sources<'_>) -> Result<Self, StartError> {
        let mut settings = Self(BTreeMap::new());
        for (key, text) in file_entries(DEFAULTS, "defaults.toml")? {
            settings.0.insert(key.clone(), Setting { key, text, source: Source::Default });
        }
        for (key, text) in sources.binary {
            settings.lay(key, text, Source::Default);
        }
        for (key, text) in file_entries(sources.file.as_deref().unwrap_or_default(), "cleave.toml")? {
            if !settings.0.contains_key(&key) {
                return Err(settings.unknown(&format!("cleave.toml: {key}"), &key, str::to_owned));
            }
            settings.lay(&key, text, Source::File);
        }
        let ours = |name: &str| name.starts_with(PREFIX) && !name.starts_with(TEST_PREFIX);
        for (name, text) in sources.environment.into_iter().filter(|(name, _)| ours(name)) {
            let Some(key) = settings.0.keys().find(|key| variable(key) == name).cloned() else {
                return Err(settings.unknown(&name, &name, variable));
            };
            settings.lay(&key, text, Source::Environment);
        }
        for (key, text) in sources.flags {
            settings.lay(key, text, Source::Flag);
        }
        Ok(settings)
    }

    fn unknown(&self, shown: &str, name: &str, spell: impl Fn(&str) -> String) -> StartError {
        let nearest = self.0.keys().map(|key| spell(key)).min_by_key(|known| distance(known, name)).unwrap_or_default();
        StartError::new(format!("{shown} is not a setting of Cleave: remove it, or did you mean {nearest}?"))
    }

    /// The setting of that key; the key stands in the defaults file, which a test holds to be true of all that are
    /// asked for.
    pub(crate) fn get(&self, key: &str) -> Result<&Setting, StartError> {
        self.0.get(key).ok_or_else(|| StartError::new(format!("the setting {key} is missing in defaults.toml")))
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Setting> {
        self.0.values()
    }

    /// An empty value means not set, so that it lets the layer below through: docker-compose hands on a variable
    /// that is unset outside as an empty one.
    fn lay(&mut self, key: &str, text: String, source: Source) {
        if !text.is_empty() {
            self.0.insert(key.to_owned(), Setting { key: key.to_owned(), text, source });
        }
    }
}

/// `CLEAVE_DATA_DIR` of `data_dir`.
fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_uppercase())
}

/// The lines of a settings file; a list becomes what the variable of that name would hold.
fn file_entries(text: &str, file: &str) -> Result<Vec<(String, String)>, StartError> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| broken(file, text, &error))?;
    table
        .into_iter()
        .map(|(key, value)| scalar(&value).map(|text| (key.clone(), text)).ok_or(key))
        .collect::<Result<_, _>>()
        .map_err(|key| {
            StartError::new(format!("{file}: {key} must be a text, a number, true, false or a list of texts"))
        })
}

/// Names the line and does not show it, as the error itself would: there may be a secret in it.
fn broken(file: &str, text: &str, error: &toml::de::Error) -> StartError {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    StartError::new(format!("{file} is not valid TOML in line {line}: {}", error.message()))
}

fn scalar(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(truth) => Some(truth.to_string()),
        toml::Value::Array(items) => {
            items.iter().map(toml::Value::as_str).collect::<Option<Vec<_>>>().map(|items| items.join(","))
        }
        toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}

/// Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, to) in row.iter_mut().skip(1).zip(b.chars()) {
            let changed = diagonal + usize::from(from != to);
            diagonal = *cell;
            *cell = changed.min(diagonal + 1).min(left + 1);
            left = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_never_quoted() {
        for (typed, quoted) in [
            ("http://h:1|http://h:2", "http://h:1|http://h:2"),
            ("http://anna:sesame@h:1", "http://…@h:1"),
            ("task=http://a:s/e@same@h|http://b:sesame@i is wrong", "task=http://…@i is wrong"),
            ("anna:sesame@h:8001", "…@h:8001"),
            ("sesame@", "…@"),
        ] {
            assert_eq!(without_login(typed), quoted);
        }
    }

    #[test]
    fn distance_counts_edits() {
        for (a, b, edits) in
            [("", "abc", 3), ("port", "port", 0), ("prot", "port", 2), ("kitten", "sitting", 3), ("abc", "", 3)]
        {
            assert_eq!(distance(a, b), edits, "{a} {b}");
        }
    }
}
