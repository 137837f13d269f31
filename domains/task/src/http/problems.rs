//! Refusals that several verbs share.

use crate::app::ReferenceError;
use crate::domain::{InvalidTransition, allowed_after};
use contracts::task::Status;
use serde_json::Value;
use web::{FieldError, Problem, ProblemCode};

pub(super) fn not_found() -> Problem {
    Problem::new(ProblemCode::NotFound)
}

impl From<InvalidTransition> for Problem {
    fn from(refused: InvalidTransition) -> Self {
        let allowed: Vec<_> = allowed_after(refused.from).iter().map(|status: &Status| status.as_str()).collect();
        Self::new(ProblemCode::InvalidTransition).detail(refused.to_string()).with("allowed", Value::from(allowed))
    }
}

impl From<ReferenceError> for Problem {
    fn from(error: ReferenceError) -> Self {
        let (code, pointer) = match &error {
            ReferenceError::UnknownUser(_) => (ProblemCode::UnknownUser, "/assignee_id"),
            ReferenceError::UnknownCategory(_) => (ProblemCode::UnknownCategory, "/category_id"),
            ReferenceError::Db(error) => return error.clone().into(),
        };
        let field = FieldError::new(pointer, code.as_str(), error.to_string());
        Self::new(code).detail(error.to_string()).error(field)
    }
}
