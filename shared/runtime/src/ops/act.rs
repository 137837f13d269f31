//! What is done about one event. Rule: 202, since the effect follows when the event's turn has come; calling twice is
//! calling once, with an Idempotency-Key and without.

use super::desk::Desk;
use super::shapes::{self, Action};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use contracts::EventId;
use db::{DbError, Tx, UseCase};
use outbox::ops::{self, Acted, OpsError, Target};
use serde_json::json;
use web::openapi::{Example, Operation, Reply};
use web::{Admin, Answer, Call, Id, NoBody, NoParams, Params, Problem, ProblemCode};

macro_rules! actions {
    ($($name:ident;)+) => {$(
        pub(super) async fn $name(
            desk: Data<Desk>,
            _: Admin,
            call: Call,
            Id(id): Id<EventId>,
            _: Params<NoParams>,
            _: NoBody,
        ) -> Result<HttpResponse, Problem> {
            async fn use_case(tx: &mut Tx, target: &Target) -> Result<Acted, Refused> {
                Ok(ops::$name(tx, target).await?)
            }
            act(&desk, &call, id, stringify!($name), use_case).await
        }
    )+};
}

actions! { retry; skip; replay; give_up; }

pub(super) fn retry_operation() -> Operation {
    action("retryEvent", "Hands a dead event to its consumer again; a failing one is tried now", || {
        shapes::action("retry")
    })
}

pub(super) fn skip_operation() -> Operation {
    action("skipEvent", "Passes a dead event: those behind it go on without its effect", || shapes::action("skip"))
}

pub(super) fn replay_operation() -> Operation {
    action("replayEvent", "Offers an event to the bus again; at a consumer, retries it if it is dead", || {
        shapes::action("replay")
    })
}

pub(super) fn give_up_operation() -> Operation {
    action("skipOutboxEvent", "Blanks an event that the bus refuses, so that those behind it can go", || {
        shapes::action("give_up")
    })
}

fn action(id: &'static str, summary: &'static str, example: Example) -> Operation {
    Operation::new(id, summary)
        .no_body()
        .keyed()
        .reply(Reply::new(202, "The effect follows.").json::<Action>(example))
        .problem(ProblemCode::Conflict)
}

async fn act<F>(desk: &Desk, call: &Call, event: EventId, action: &str, use_case: F) -> Result<HttpResponse, Problem>
where
    F: for<'t> UseCase<'t, Target, Ok = Acted, Err = Refused>,
{
    let domain = desk.domain()?;
    let target = Target { domain: domain.name.to_owned(), event };
    let answer = |acted: &Acted| {
        let body = json!({
            "id": event, "domain": domain.name, "action": action, "changed": acted.changed, "status": acted.status,
        });
        Answer::plain(StatusCode::ACCEPTED, &body)
    };
    let response = web::command(&domain.db, call, &target, use_case, answer).await?;
    domain.messaging.wake();
    Ok(response)
}

/// Why nothing was done.
struct Refused(OpsError);

impl From<OpsError> for Refused {
    fn from(error: OpsError) -> Self {
        Self(error)
    }
}

impl From<DbError> for Refused {
    fn from(error: DbError) -> Self {
        Self(error.into())
    }
}

impl From<Refused> for Problem {
    fn from(Refused(error): Refused) -> Self {
        match error {
            OpsError::NotFound => Self::new(ProblemCode::NotFound),
            OpsError::Status(status) => Self::new(ProblemCode::Conflict)
                .detail(format!("the event is {}, and this cannot be done to it then", status.as_str()))
                .with("event_status", status.as_str()),
            OpsError::Db(error) => error.into(),
        }
    }
}
