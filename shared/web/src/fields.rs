//! Field validation. Rule: a request is told everything that is wrong with its fields at once, each with a JSON
//! pointer, and raw input becomes a domain type exactly here.

mod validated;

use crate::patch::Patch;
use crate::problem::{Problem, ProblemCode};
use serde::Serialize;

/// One invalid field of a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the body: `/title`.
    pub pointer: String,
    /// Stable name of the broken rule: `too_short`.
    pub code: String,
    /// For people: `must have 1 to 200 characters`.
    pub detail: String,
}

impl FieldError {
    /// An error of the field that `pointer` names.
    pub fn new(pointer: impl Into<String>, code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code: code.into(), detail: detail.into() }
    }
}

/// A broken rule of a domain type, as its `parse` returns it.
pub trait FieldRule {
    /// Stable name: `too_short`.
    fn code(&self) -> &'static str;

    /// For people, as the end of a sentence about the field.
    fn detail(&self) -> String;
}

/// Collects what is wrong with a body.
#[derive(Debug, Default)]
pub struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    /// Nothing wrong so far.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The value, or its error is noted.
    pub fn check<T, R: FieldRule>(&mut self, pointer: &str, parsed: Result<T, R>) -> Option<T> {
        parsed.map_err(|rule| self.add(pointer, rule.code(), rule.detail())).ok()
    }

    /// A field that may be missing: `None` when it is, and also when its error was noted.
    pub fn check_optional<I, T, R: FieldRule>(
        &mut self,
        pointer: &str,
        raw: Option<I>,
        parse: impl FnOnce(I) -> Result<T, R>,
    ) -> Option<T> {
        raw.and_then(|raw| self.check(pointer, parse(raw)))
    }

    /// A list; the pointer of an error ends with the index.
    pub fn check_each<I, T, R: FieldRule>(
        &mut self,
        pointer: &str,
        raw: impl IntoIterator<Item = I>,
        mut parse: impl FnMut(I) -> Result<T, R>,
    ) -> Vec<T> {
        let parsed = raw.into_iter().enumerate();
        parsed.filter_map(|(index, raw)| self.check(&format!("{pointer}/{index}"), parse(raw))).collect()
    }

    /// A field of a merge patch that may be set to null.
    pub fn check_patch<I, T, R: FieldRule>(
        &mut self,
        pointer: &str,
        patch: Patch<I>,
        parse: impl FnOnce(I) -> Result<T, R>,
    ) -> Patch<T> {
        match patch {
            Patch::Absent => Patch::Absent,
            Patch::Null => Patch::Null,
            Patch::Value(raw) => self.check(pointer, parse(raw)).map_or(Patch::Absent, Patch::Value),
        }
    }

    /// A field of a merge patch that must have a value: null is an error.
    pub fn check_patch_required<I, T, R: FieldRule>(
        &mut self,
        pointer: &str,
        patch: Patch<I>,
        parse: impl FnOnce(I) -> Result<T, R>,
    ) -> Option<T> {
        match patch {
            Patch::Absent => None,
            Patch::Null => {
                self.add(pointer, "required", "must not be null");
                None
            }
            Patch::Value(raw) => self.check(pointer, parse(raw)),
        }
    }

    /// Notes an error that no single domain type knows of.
    pub fn add(&mut self, pointer: &str, code: &str, detail: impl Into<String>) {
        self.0.push(FieldError::new(pointer, code, detail));
    }

    /// True when nothing is wrong so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Ends the collection.
    ///
    /// # Errors
    /// 422 `validation_failed` with everything that was noted.
    pub fn finish(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(self.into_problem()) }
    }

    /// 422 `validation_failed` with everything that was noted: for `let (Some(a), Some(b)) = (a, b) else { … }`.
    #[must_use]
    pub fn into_problem(self) -> Problem {
        let detail = match self.0.len() {
            1 => "1 field is invalid".to_owned(),
            count => format!("{count} fields are invalid"),
        };
        let problem = Problem::new(ProblemCode::ValidationFailed).detail(detail);
        self.0.into_iter().fold(problem, Problem::error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct TooShort;

    impl FieldRule for TooShort {
        fn code(&self) -> &'static str {
            "too_short"
        }
        fn detail(&self) -> String {
            "must have 1 to 3 characters".to_owned()
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "the shape of a domain type's parse")]
    fn parse(raw: String) -> Result<usize, TooShort> {
        if raw.is_empty() { Err(TooShort) } else { Ok(raw.len()) }
    }

    #[test]
    fn every_broken_field_is_told_in_one_answer() {
        let mut errors = FieldErrors::new();
        assert_eq!(errors.check("/title", parse("abc".into())), Some(3));
        assert_eq!(errors.check("/name", parse(String::new())), None);
        assert_eq!(errors.check_optional("/note", None::<String>, parse), None);
        assert_eq!(errors.check_each("/labels", ["a".to_owned(), String::new()], parse), [1]);
        assert_eq!(errors.check_patch("/color", Patch::Value(String::new()), parse), Patch::Absent);
        assert_eq!(errors.check_patch_required("/kind", Patch::<String>::Null, parse), None);
        let problem = errors.into_problem();
        assert_eq!(problem.code(), ProblemCode::ValidationFailed);
        let told: Vec<_> = problem.errors().iter().map(|e| (e.pointer.as_str(), e.code.as_str())).collect();
        assert_eq!(
            told,
            [("/name", "too_short"), ("/labels/1", "too_short"), ("/color", "too_short"), ("/kind", "required")]
        );
    }

    #[test]
    fn nothing_wrong_is_no_problem() {
        let mut errors = FieldErrors::new();
        assert_eq!(errors.check_patch("/color", Patch::<String>::Null, parse), Patch::Null);
        assert_eq!(errors.check_patch("/color", Patch::<String>::Absent, parse), Patch::Absent);
        assert!(errors.finish().is_ok());
    }
}
