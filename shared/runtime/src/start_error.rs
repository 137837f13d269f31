//! Why a process does not start. Rule: one clear line that names the fix; no chain, no backtrace.

/// One line for the operator. It never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StartError(String);

impl StartError {
    /// A failure in one line; line breaks in `line` become spaces, so that what a library said cannot break the rule.
    #[must_use]
    pub fn new(line: impl AsRef<str>) -> Self {
        Self(line.as_ref().split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

impl From<String> for StartError {
    fn from(line: String) -> Self {
        Self::new(line)
    }
}

impl From<&str> for StartError {
    fn from(line: &str) -> Self {
        Self::new(line)
    }
}
