//! Going on with a database that was put back from a backup. Rule: a decision of an operator and nobody else's; calling
//! twice is calling once.

use super::desk::Desk;
use super::shapes::Restored;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use outbox::BegunAnew;
use serde_json::json;
use web::openapi::{Operation, Reply};
use web::{Admin, Answer, Call, NoBody, NoParams, Params, Problem};

pub(super) fn operation() -> Operation {
    Operation::new("goOnRestored", "Goes on with a database that was put back from a backup and refuses to emit")
        .no_body()
        .keyed()
        .reply(
            Reply::new(202, "The effect follows.").json::<Restored>(
                || json!({ "domain": "task", "action": "restored", "changed": true, "stream_epoch": 2 }),
            ),
        )
}

pub(super) async fn restored(
    desk: Data<Desk>,
    _: Admin,
    call: Call,
    _: Params<NoParams>,
    _: NoBody,
) -> Result<HttpResponse, Problem> {
    let domain = desk.domain()?;
    let answer = |begun: &BegunAnew| {
        let body = json!({
            "domain": domain.name, "action": "restored", "changed": begun.changed, "stream_epoch": begun.epoch,
        });
        Answer::plain(StatusCode::ACCEPTED, &body)
    };
    let response = web::command(&domain.db, &call, &domain.name, outbox::begin_anew, answer).await?;
    domain.messaging.wake();
    Ok(response)
}
