//! What one mounted domain tells of its events. Rule: each function answers for one domain and is what the merged lists
//! ask of it as well, so that both say the same.

use super::desk::Desk;
use super::filters::{DEAD_LETTERS, DeadFilters, EVENTS, EventFilters, OUTBOX, OutboxFilters};
use super::shapes::{self, Outbox, Subscriptions};
use crate::server::Domain;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use contracts::{EventId, topology};
use outbox::ops::{self, Criteria, EventRecord, EventStatus, Window};
use serde_json::{Value, json};
use uuid::Uuid;
use web::openapi::Operation;
use web::{Admin, Id, Listing, NoParams, Page, Paging, Params, Problem, ProblemCode};

pub(super) fn events_operation() -> Operation {
    Operation::new("listDomainEvents", "Events as that domain alone knows them, newest first")
        .list::<EventFilters>()
        .page::<EventRecord>(|| shapes::page(json!([shapes::event()]), json!({})))
}

pub(super) async fn events(request: HttpRequest, desk: Data<Desk>, _: Admin) -> Result<HttpResponse, Problem> {
    let listing = Listing::<EventFilters>::of(&request, EVENTS)?;
    web::list(&events_of(desk.domain()?, &listing.filters.criteria()?, &listing.paging).await?)
}

pub(super) fn event_operation() -> Operation {
    Operation::new("getDomainEvent", "One event as that domain alone knows it").ok::<EventRecord>(shapes::event)
}

pub(super) async fn event(
    desk: Data<Desk>,
    _: Admin,
    _: Params<NoParams>,
    Id(id): Id<EventId>,
) -> Result<HttpResponse, Problem> {
    let found = event_of(desk.domain()?, id).await?;
    web::json(StatusCode::OK, &found.ok_or_else(|| Problem::new(ProblemCode::NotFound))?)
}

pub(super) fn dead_letters_operation() -> Operation {
    Operation::new("listDomainDeadLetters", "Events that this consumer has given up, newest first")
        .list::<DeadFilters>()
        .page::<EventRecord>(|| shapes::page(json!([shapes::event()]), json!({})))
}

pub(super) async fn dead_letters(request: HttpRequest, desk: Data<Desk>, _: Admin) -> Result<HttpResponse, Problem> {
    let listing = Listing::<DeadFilters>::of(&request, DEAD_LETTERS)?;
    web::list(&dead_letters_of(desk.domain()?, &listing.filters.criteria()?, &listing.paging).await?)
}

pub(super) fn subscriptions_operation() -> Operation {
    Operation::new("listDomainSubscriptions", "What that domain hears, and what it has emitted").ok::<Subscriptions>(
        || {
            shapes::page(
                json!([shapes::heard()]),
                json!({ "emitted": [{ "aggregate": "notification", "emitted": 1 }] }),
            )
        },
    )
}

pub(super) async fn subscriptions(desk: Data<Desk>, _: Admin, _: Params<NoParams>) -> Result<HttpResponse, Problem> {
    web::json(StatusCode::OK, &subscriptions_of(desk.domain()?).await?)
}

pub(super) fn outbox_operation() -> Operation {
    Operation::new("listDomainOutbox", "What that domain has not got rid of, oldest first, and why")
        .list::<OutboxFilters>()
        .ok::<Outbox>(|| shapes::page(json!([shapes::event()]), json!({ "backlog": shapes::backlog() })))
}

pub(super) async fn outbox(request: HttpRequest, desk: Data<Desk>, _: Admin) -> Result<HttpResponse, Problem> {
    let listing = Listing::<OutboxFilters>::of(&request, OUTBOX)?;
    web::json(StatusCode::OK, &outbox_of(desk.domain()?, &listing.filters.statuses()?, &listing.paging).await?)
}

pub(super) fn undecodable_operation() -> Operation {
    let example = || {
        let stray = json!({
            "id": 1, "consumer": "notification", "error": "not JSON", "headers": {}, "body": "{", "body_bytes": 1,
            "received_at": "2026-01-01T00:00:00Z",
        });
        shapes::page(json!([stray]), json!({}))
    };
    Operation::new("listDomainUndecodable", "Messages to that domain that were no events, newest first")
        .list::<NoParams>()
        .page::<ops::Stray>(example)
}

pub(super) async fn undecodable(
    desk: Data<Desk>,
    _: Admin,
    listing: Listing<NoParams>,
) -> Result<HttpResponse, Problem> {
    let domain = desk.domain()?;
    // Numbered by its table: the number travels as the end of an id.
    let behind = listing.paging.behind()?.map(|id| i64::try_from(id.as_u128()).unwrap_or(i64::MAX));
    let rows = ops::strays(&domain.db, domain.name, behind, listing.paging.limit() + 1).await?;
    let id = |row: &ops::Stray| u128::try_from(row.id).ok().map(Uuid::from_u128);
    web::list(&listing.paging.page(rows, false, id)?)
}

pub(super) fn audit_operation() -> Operation {
    let example = || {
        let entry = json!({
            "id": "019b76da-a800-7a3c-8d21-0f6e5d4c3b2a", "actor_id": "019b76da-a800-7172-980b-52245ebc6f81",
            "action": "retry", "target": "notification/019b76da-a800-74e2-b496-ed8d4d71d48a",
            "at": "2026-01-01T00:00:00Z",
        });
        shapes::page(json!([entry]), json!({}))
    };
    Operation::new("listDomainAudit", "What administrators did to its events, and what it had to go on without")
        .list::<NoParams>()
        .page::<ops::Audited>(example)
}

pub(super) async fn audit(desk: Data<Desk>, _: Admin, listing: Listing<NoParams>) -> Result<HttpResponse, Problem> {
    let rows = ops::audited(&desk.domain()?.db, window(&listing.paging)?).await?;
    web::list(&listing.paging.page(rows, false, |row| Some(row.id))?)
}

pub(super) async fn events_of(
    domain: &Domain,
    criteria: &Criteria,
    paging: &Paging,
) -> Result<Page<EventRecord>, Problem> {
    let rows = ops::events(&domain.db, domain.name, criteria, window(paging)?).await?;
    paging.page(rows, false, id_of)
}

pub(super) async fn event_of(domain: &Domain, id: EventId) -> Result<Option<EventRecord>, Problem> {
    Ok(ops::event(&domain.db, domain.name, id).await?)
}

pub(super) async fn dead_letters_of(
    domain: &Domain,
    criteria: &Criteria,
    paging: &Paging,
) -> Result<Page<EventRecord>, Problem> {
    let rows = ops::dead_letters(&domain.db, domain.name, criteria, window(paging)?).await?;
    paging.page(rows, false, id_of)
}

/// `items` are what it hears, `emitted` is what it publishes.
pub(super) async fn subscriptions_of(domain: &Domain) -> Result<Value, Problem> {
    let streams: Vec<_> =
        topology::heard_by(domain.name).iter().map(|stream| (stream.domain, stream.aggregate)).collect();
    let heard =
        if streams.is_empty() { Vec::new() } else { ops::heard_streams(&domain.db, domain.name, &streams).await? };
    let emitted = ops::emitted_streams(&domain.db).await?;
    Ok(json!({ "items": heard, "next_cursor": null, "emitted": emitted }))
}

/// A page of what waits, and how much that is in all.
pub(super) async fn outbox_of(domain: &Domain, statuses: &[EventStatus], paging: &Paging) -> Result<Value, Problem> {
    let rows = ops::unpublished(&domain.db, statuses, window(paging)?).await?;
    let Page { items, next_cursor } = paging.page(rows, false, id_of)?;
    let backlog = ops::backlog(&domain.db).await?;
    Ok(json!({ "items": items, "next_cursor": next_cursor, "backlog": backlog }))
}

/// One row more than is shown, to know whether there is a next page.
fn window(paging: &Paging) -> Result<Window, Problem> {
    Ok(Window { behind: paging.behind()?, limit: paging.limit() + 1 })
}

fn id_of(event: &EventRecord) -> Option<Uuid> {
    Some(event.attributes.id)
}
