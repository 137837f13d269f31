//! Rules declared with `#[derive(Validate)]`, told in the same form as those of the domain types.

use super::FieldErrors;
use crate::decode::pointer;
use validator::{Validate, ValidationErrors, ValidationErrorsKind};

impl FieldErrors {
    /// Notes what the derived rules of a body find. True when they found nothing.
    pub fn check_declared(&mut self, body: &impl Validate) -> bool {
        let found = body.validate();
        if let Err(errors) = &found {
            self.note(&mut Vec::new(), errors);
        }
        found.is_ok()
    }

    fn note(&mut self, path: &mut Vec<String>, errors: &ValidationErrors) {
        // The order of a hash map differs from run to run; an answer must not.
        let mut fields: Vec<_> = errors.errors().iter().collect();
        fields.sort_by_key(|(field, _)| (*field).clone());
        for (field, kind) in fields {
            path.push(field.as_ref().to_owned());
            match kind {
                ValidationErrorsKind::Field(broken) => {
                    for rule in broken {
                        let detail = rule.message.as_deref().unwrap_or("is invalid");
                        self.add(&pointer(path), &rule.code, detail);
                    }
                }
                ValidationErrorsKind::Struct(inner) => self.note(path, inner),
                ValidationErrorsKind::List(items) => {
                    for (index, inner) in items {
                        path.push(index.to_string());
                        self.note(path, inner);
                        path.pop();
                    }
                }
            }
            path.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Validate)]
    struct Label {
        #[validate(length(min = 1, message = "must not be empty"))]
        name: String,
    }

    #[derive(Validate)]
    struct Body {
        #[validate(length(max = 3, code = "too_long", message = "must have at most 3 characters"))]
        title: String,
        #[validate(nested)]
        labels: Vec<Label>,
    }

    #[test]
    fn declared_rules_are_told_with_pointers() {
        let label = |name: &str| Label { name: name.to_owned() };
        let mut errors = FieldErrors::new();
        assert!(errors.check_declared(&Body { title: "abc".to_owned(), labels: vec![label("a")] }));
        assert!(!errors.check_declared(&Body { title: "abcd".to_owned(), labels: vec![label("a"), label("")] }));
        let problem = errors.into_problem();
        let told: Vec<_> =
            problem.errors().iter().map(|e| (e.pointer.as_str(), e.code.as_str(), e.detail.as_str())).collect();
        assert_eq!(
            told,
            [
                ("/labels/1/name", "length", "must not be empty"),
                ("/title", "too_long", "must have at most 3 characters")
            ]
        );
    }
}
