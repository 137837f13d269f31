//! A second request with the same Idempotency-Key gets the first one's answer. Rule: the record is written in the
//! transaction of the write, so there is never one without the other; only what was kept is remembered, because only
//! an `Ok` is committed.

mod forget;
mod purge;
mod record;
#[cfg(test)]
mod tests;

pub use forget::{forget_account, forget_caller};
pub use purge::purge_idempotency;

use crate::answer::Answer;
use crate::problem::{Problem, ProblemCode};
use actix_web::HttpResponse;
use actix_web::http::header::{HeaderName, HeaderValue};
use db::{Context, Db, DbError, Tx, UseCase};
use futures_util::future::{BoxFuture, FutureExt};
use record::Policy;
use std::marker::PhantomData;

/// Where an answer is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The caller's id, or what stands for one.
    pub(crate) caller: String,
    /// Method and path.
    pub(crate) scope: String,
    /// The client's key.
    pub(crate) key: String,
    /// Tells one body from another.
    pub(crate) request_hash: Vec<u8>,
}

/// What came of a request with a key.
enum Outcome {
    /// It was carried out now.
    Fresh(Answer),
    /// It was carried out before.
    Replayed(Answer),
    /// Another request was carried out before under this key.
    KeyReused,
}

/// Why a request with a key was not carried out.
enum Failed<E> {
    /// Another one with its key was, before or at the same time.
    Overtaken,
    /// Its own reasons.
    Of(E),
    /// Nothing may be emitted at present. What was carried out before is known all the same.
    Refused(E),
    /// The database's, whose state it is and not the request's.
    Trouble(E),
}

impl<E: From<DbError>> From<DbError> for Failed<E> {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Unique { constraint } if constraint.starts_with("command_dedup.") => Self::Overtaken,
            error @ DbError::Refused(_) => Self::Refused(error.into()),
            error if error.is_infrastructure() => Self::Trouble(error.into()),
            error => Self::Of(error.into()),
        }
    }
}

/// Runs a command once per key.
pub(crate) async fn once<C, F, A, T, E>(
    db: &Db,
    context: &Context,
    key: Key,
    command: &C,
    use_case: F,
    answer: A,
) -> Result<HttpResponse, Problem>
where
    C: Sync,
    F: for<'u> UseCase<'u, C, Ok = T, Err = E>,
    A: Fn(&T) -> Answer + Send + Sync,
    T: Send,
    E: From<DbError> + Into<Problem> + Send + 'static,
{
    let keyed = Keyed { key, policy: Policy::DEFAULT, command, use_case, answer, result: PhantomData };
    // Almost every key is new: it is looked up only when something stands in the way, be it the rule that the first request
    // has made come true. Two requests at once may both find no record; who is second then finds the other's.
    let mut outcome = db.write(context, &keyed, Once { looks_up: false }).await;
    if let Err(Failed::Of(error)) = outcome {
        let problem: Problem = error.into();
        // In the middle of the rule, too, the state may be the database's, which a second run makes worse.
        if matches!(problem.code(), ProblemCode::Unavailable | ProblemCode::OutcomeUnknown) {
            return Err(problem);
        }
        outcome = Err(Failed::Overtaken);
    }
    if matches!(outcome, Err(Failed::Overtaken | Failed::Refused(_))) {
        outcome = db.write(context, &keyed, Once { looks_up: true }).await;
    }
    if matches!(outcome, Err(Failed::Overtaken)) {
        outcome = db.write(context, &keyed, Once { looks_up: true }).await;
    }
    let outcome = outcome.map_err(|failed| match failed {
        // Others with this key come and go while it is tried.
        Failed::Overtaken => Problem::new(ProblemCode::IdempotencyInFlight).retry_after(1),
        Failed::Of(error) | Failed::Refused(error) | Failed::Trouble(error) => error.into(),
    })?;
    match outcome {
        Outcome::Fresh(answer) => answer.into_response(),
        Outcome::Replayed(answer) => {
            let mut response = answer.into_response()?;
            let name = HeaderName::from_static("idempotency-replayed");
            response.headers_mut().insert(name, HeaderValue::from_static("true"));
            Ok(response)
        }
        Outcome::KeyReused => Err(Problem::new(ProblemCode::IdempotencyKeyReused)),
    }
}

/// A command with its key.
struct Keyed<'a, C, F, A, T, E> {
    key: Key,
    policy: Policy,
    command: &'a C,
    use_case: F,
    answer: A,
    result: PhantomData<fn() -> (T, E)>,
}

/// The use-case around a use-case: remembers the answer after the rule.
struct Once {
    /// Whether the key is looked up before it.
    looks_up: bool,
}

impl<'t, 'a, C, F, A, T, E> UseCase<'t, Keyed<'a, C, F, A, T, E>> for Once
where
    C: Sync,
    F: for<'u> UseCase<'u, C, Ok = T, Err = E>,
    A: Fn(&T) -> Answer + Send + Sync,
    T: Send,
    E: From<DbError> + Send + 'static,
{
    type Ok = Outcome;
    type Err = Failed<E>;
    type Running = BoxFuture<'t, Result<Outcome, Failed<E>>>;

    fn run(&self, tx: &'t mut Tx, keyed: &'t Keyed<'a, C, F, A, T, E>) -> Self::Running {
        let looks_up = self.looks_up;
        async move {
            if looks_up && let Some(known) = record::find(tx, &keyed.key, keyed.policy).await? {
                let same = known.request_hash == keyed.key.request_hash;
                return Ok(if same { Outcome::Replayed(record::answer(known)?) } else { Outcome::KeyReused });
            }
            let value = keyed.use_case.run(tx, keyed.command).await.map_err(Failed::Of)?;
            let answer = (keyed.answer)(&value);
            record::keep(tx, &keyed.key, &answer, keyed.policy).await?;
            Ok(Outcome::Fresh(answer))
        }
        .boxed()
    }
}
