//! What a failing database looks like to a client. Rule: nothing of the database's own words gets out; the log has
//! them.

use super::{Problem, ProblemCode};
use db::DbError;

impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        let code = match &error {
            DbError::Busy | DbError::Unavailable(_) | DbError::Conflict | DbError::Deadline => ProblemCode::Unavailable,
            DbError::Unknown(_) => ProblemCode::OutcomeUnknown,
            // A uniqueness rule that no use-case has given a name to is a fault of the server.
            DbError::Unique { .. } | DbError::NoRowChanged(_) | DbError::Decode(_) | DbError::Statement(_) => {
                ProblemCode::Internal
            }
        };
        Self::new(code).caused_by(&error)
    }
}
