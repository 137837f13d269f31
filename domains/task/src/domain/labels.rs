//! The labels of a task. Rule: whatever can be stored can be filtered by, so a label holds no comma (it means "or" in
//! a filter) and is not `none` (it means "without any").

use super::TextError;
use super::text::line;
use schemars::json_schema;
use web::openapi::text;

/// How many labels one task carries at most.
const MOST: usize = 20;
/// Characters of one label at most.
const LONGEST: usize = 50;

/// Different labels in the order given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Labels(Vec<String>);

/// [`web::openapi::LINE`] without a comma, and another word than `none`.
const PATTERN: &str = concat!(
    r"^(?!none$)[^\u0000-\u001F,\u007F-\u009F\u2028-\u202E\u2066-\u2069]*",
    r"[^\u0000-\u0020,\u007F-\u00A0\u1680\u2000-\u200A\u2028-\u202F\u205F\u2066-\u2069\u3000]",
    r"[^\u0000-\u001F,\u007F-\u009F\u2028-\u202E\u2066-\u2069]*$",
);

web::schemas! {
    Labels => json_schema!({
        "type": "array",
        "items": text(1..=LONGEST, PATTERN),
        "maxItems": MOST,
        "uniqueItems": true,
    });
}

/// Why one label is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LabelError {
    #[error(transparent)]
    Text(#[from] TextError),
    #[error("must not contain a comma")]
    Comma,
    #[error("`none` is reserved: as a filter it means tasks without a label")]
    Reserved,
    #[error("is given twice")]
    Duplicate,
}

impl LabelError {
    /// The name of the broken rule in an answer.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Text(error) => error.code(),
            Self::Comma => "forbidden_character",
            Self::Reserved => "reserved",
            Self::Duplicate => "duplicate",
        }
    }
}

/// Why a list of labels is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LabelsError {
    #[error("must have at most {MOST} labels")]
    TooMany,
    #[error("label {index} {error}")]
    At { index: usize, error: LabelError },
}

impl Labels {
    /// Checks what came from outside; the first broken rule is told.
    pub(crate) fn parse(raw: Vec<String>) -> Result<Self, LabelsError> {
        if raw.len() > MOST {
            return Err(LabelsError::TooMany);
        }
        let mut labels = Vec::with_capacity(raw.len());
        for (index, label) in raw.into_iter().enumerate() {
            check(&label, &labels).map_err(|error| LabelsError::At { index, error })?;
            labels.push(label);
        }
        Ok(Self(labels))
    }

    /// Takes back what was checked before it was stored.
    pub(crate) const fn stored(labels: Vec<String>) -> Self {
        Self(labels)
    }

    pub(crate) fn as_slice(&self) -> &[String] {
        &self.0
    }
}

fn check(label: &str, before: &[String]) -> Result<(), LabelError> {
    line(label, 1, LONGEST)?;
    if label.contains(',') {
        return Err(LabelError::Comma);
    }
    if label == "none" {
        return Err(LabelError::Reserved);
    }
    if before.iter().any(|earlier| earlier == label) { Err(LabelError::Duplicate) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(labels: &[&str]) -> Result<Labels, LabelsError> {
        Labels::parse(labels.iter().map(|&label| label.to_owned()).collect())
    }

    #[test]
    fn different_labels_keep_their_order() {
        assert_eq!(parse(&["b", "a", "B"]).unwrap().as_slice(), ["b", "a", "B"]);
        assert_eq!(parse(&[]).unwrap(), Labels::default());
    }

    #[test]
    fn the_broken_label_is_named() {
        let at = |index, error| Err(LabelsError::At { index, error });
        assert_eq!(parse(&["a", "b", "a"]), at(2, LabelError::Duplicate));
        assert_eq!(parse(&["a", ""]), at(1, LabelError::Text(TextError::TooShort { min: 1, max: 50 })));
        assert_eq!(parse(&["a,b"]), at(0, LabelError::Comma));
        assert_eq!(parse(&["none"]), at(0, LabelError::Reserved));
        assert_eq!(parse(&["a\n"]), at(0, LabelError::Text(TextError::ForbiddenCharacter)));
    }

    #[test]
    fn twenty_are_the_most() {
        let many = |count: usize| Labels::parse((0..count).map(|n| n.to_string()).collect());
        assert_eq!(many(20).unwrap().as_slice().len(), 20);
        assert_eq!(many(21), Err(LabelsError::TooMany));
    }
}
