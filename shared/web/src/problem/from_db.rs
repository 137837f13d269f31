//! What a failing database looks like to a client. Rule: nothing of the database's own words gets out; the log has
//! them.

use super::{Problem, ProblemCode};
use db::DbError;

impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        let code = match &error {
            DbError::Busy | DbError::Unavailable(_) | DbError::Refused(_) | DbError::Conflict | DbError::Deadline => {
                ProblemCode::Unavailable
            }
            DbError::Unknown(_) => ProblemCode::OutcomeUnknown,
            // A uniqueness rule that no use-case has given a name to is a fault of the server.
            DbError::Unique { .. } | DbError::NoRowChanged(_) | DbError::Decode(_) | DbError::Statement(_) => {
                ProblemCode::Internal
            }
        };
        let problem = Self::new(code).caused_by(&error);
        match error {
            DbError::Refused(_) => problem
                .detail("what changes here cannot be passed on at present, so nothing is changed; reading works")
                .retry_after(5),
            _ => problem,
        }
    }
}
