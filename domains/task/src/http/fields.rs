//! Bodies become domain types here. Rule: everything that is wrong with a body is told at once.

use crate::domain::{ColorError, LabelError, Labels, LabelsError, TextError};
use chrono::{DateTime, Utc};
use web::{FieldErrors, FieldRule, Instant, InstantError};

macro_rules! field_rules {
    ($($rule:ty)+) => {
        $(impl FieldRule for $rule {
            fn code(&self) -> &'static str {
                <$rule>::code(*self)
            }

            fn detail(&self) -> String {
                self.to_string()
            }
        })+
    };
}

field_rules!(TextError LabelError);

impl FieldRule for ColorError {
    fn code(&self) -> &'static str {
        "invalid_color"
    }

    fn detail(&self) -> String {
        self.to_string()
    }
}

/// For `FieldErrors::check_optional` and its like, which hand the text over.
pub(super) fn instant(raw: String) -> Result<DateTime<Utc>, InstantError> {
    Instant::parse(&raw).map(|instant| instant.0)
}

/// Notes the index of the label that is refused.
pub(super) fn check_labels(errors: &mut FieldErrors, raw: Vec<String>) -> Option<Labels> {
    match Labels::parse(raw) {
        Ok(labels) => Some(labels),
        Err(refused @ LabelsError::TooMany) => {
            errors.add("/labels", "too_many", refused.to_string());
            None
        }
        Err(LabelsError::At { index, error }) => errors.check(&format!("/labels/{index}"), Err(error)),
    }
}
