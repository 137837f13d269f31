//! From a command to its answer. Rule: every write of the API goes through here, so none can forget the idempotency
//! record, and no handler opens a transaction.

use crate::answer::Answer;
use crate::call::Command;
use crate::idempotency;
use crate::problem::Problem;
use actix_web::HttpResponse;
use contracts::failpoint::{Point, pass};
use db::{Db, DbError, UseCase};

/// Runs a use-case in a transaction and answers. `answer` looks at the result only; it may run more than once.
///
/// # Errors
/// What the use-case's error says; 422 `idempotency_key_reused`; what the database's failure looks like from outside.
pub async fn command<C, F, A, T, E>(
    db: &Db,
    call: &impl Command,
    command: &C,
    use_case: F,
    answer: A,
) -> Result<HttpResponse, Problem>
where
    C: Sync,
    F: for<'t> UseCase<'t, C, Ok = T, Err = E>,
    A: Fn(&T) -> Answer + Send + Sync,
    T: Send,
    E: From<DbError> + Into<Problem> + Send + 'static,
{
    let answered = match call.key() {
        Some(key) => idempotency::once(db, call.context(), key, command, use_case, answer).await,
        None => {
            let value = db.write(call.context(), command, use_case).await.map_err(Into::into)?;
            answer(&value).into_response()
        }
    };
    pass(Point::BeforeAnswer);
    answered
}
