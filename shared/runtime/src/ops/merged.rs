//! The lists without a domain. Rule: the question goes to every domain as it came, cursor and all, since a cursor says
//! nothing but the last event that was shown.

use super::asked::{Answer, Answers, as_sent, ask_all};
use super::domain;
use super::filters::{DEAD_LETTERS, DeadFilters, EVENTS, EventFilters, OUTBOX, OutboxFilters};
use super::merge::{From, merge};
use super::shapes::{self, MergedEvents, MergedOutbox, MergedSubscriptions};
use crate::process::Process;
use crate::server::Domain;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value, json};
use web::openapi::Operation;
use web::{Admin, Listing, NoParams, Page, Paging, Params, Problem};

pub(super) fn events_operation() -> Operation {
    all("listEvents", "Events and how far they are, of all domains, newest first")
        .list::<EventFilters>()
        .ok::<MergedEvents>(|| shapes::page(json!([shapes::event()]), json!({ "unanswered": [] })))
}

pub(super) fn dead_letters_operation() -> Operation {
    all("listDeadLetters", "Events that a consumer has given up, of all domains, newest first")
        .list::<DeadFilters>()
        .ok::<MergedEvents>(|| shapes::page(json!([shapes::event()]), json!({ "unanswered": [] })))
}

pub(super) fn outbox_operation() -> Operation {
    all("listOutbox", "What each publisher has not got rid of, oldest first, and why")
        .list::<OutboxFilters>()
        .ok::<MergedOutbox>(|| {
        let more = json!({ "unanswered": [], "backlogs": { "task": shapes::backlog() } });
        shapes::page(json!([shapes::event()]), more)
    })
}

pub(super) fn subscriptions_operation() -> Operation {
    all("listSubscriptions", "Each consumer and stream, and how far it is behind the publisher")
        .ok::<MergedSubscriptions>(|| shapes::page(json!([shapes::lagging()]), json!({ "unanswered": [] })))
}

/// `unanswered` names the domains that gave no answer.
fn all(id: &'static str, summary: &'static str) -> Operation {
    Operation::new(id, summary).tag("operations").admin()
}

pub(super) async fn events(request: HttpRequest, process: Data<Process>, _: Admin) -> Result<HttpResponse, Problem> {
    let listing = Listing::<EventFilters>::of(&request, EVENTS)?;
    let (criteria, paging) = (listing.filters.criteria()?, listing.paging);
    paging.behind()?;
    let here = async |domain: &Domain| -> Answer { as_sent(&domain::events_of(domain, &criteria, &paging).await?) };
    list(ask_all(&request, &process, &tail("events", &request), here).await, From::Newest, &paging, Map::new())
}

pub(super) async fn dead_letters(
    request: HttpRequest,
    process: Data<Process>,
    _: Admin,
) -> Result<HttpResponse, Problem> {
    let listing = Listing::<DeadFilters>::of(&request, DEAD_LETTERS)?;
    let (criteria, paging) = (listing.filters.criteria()?, listing.paging);
    paging.behind()?;
    let here =
        async |domain: &Domain| -> Answer { as_sent(&domain::dead_letters_of(domain, &criteria, &paging).await?) };
    let answers = ask_all(&request, &process, &tail("dead-letters", &request), here).await;
    list(answers, From::Newest, &paging, Map::new())
}

pub(super) async fn outbox(request: HttpRequest, process: Data<Process>, _: Admin) -> Result<HttpResponse, Problem> {
    let listing = Listing::<OutboxFilters>::of(&request, OUTBOX)?;
    let (statuses, paging) = (listing.filters.statuses()?, listing.paging);
    paging.behind()?;
    let here = async |domain: &Domain| -> Answer { Ok(Some(domain::outbox_of(domain, &statuses, &paging).await?)) };
    let answers = ask_all(&request, &process, &tail("outbox", &request), here).await;
    let backlog =
        |(domain, said): &(&str, Value)| ((*domain).to_owned(), said.get("backlog").cloned().unwrap_or_default());
    let backlogs: Map<String, Value> = answers.said.iter().map(backlog).collect();
    list(answers, From::Oldest, &paging, Map::from_iter([("backlogs".to_owned(), Value::Object(backlogs))]))
}

pub(super) async fn subscriptions(
    request: HttpRequest,
    process: Data<Process>,
    _: Admin,
    _: Params<NoParams>,
) -> Result<HttpResponse, Problem> {
    let here = async |domain: &Domain| -> Answer { Ok(Some(domain::subscriptions_of(domain).await?)) };
    let Answers { said, unanswered } = ask_all(&request, &process, "subscriptions", here).await;
    let items: Vec<Value> = said
        .iter()
        .filter_map(|(_, answer)| answer.get("items")?.as_array())
        .flatten()
        .map(|subscription| with_lag(subscription, &said))
        .collect();
    web::json(StatusCode::OK, &json!({ "items": items, "next_cursor": null, "unanswered": unanswered }))
}

/// A subscription with the number of events that its publisher has emitted and it has not handled; null where the
/// publisher did not say.
fn with_lag(subscription: &Value, said: &[(&str, Value)]) -> Value {
    let text = |member: &str| subscription.get(member).and_then(Value::as_str).unwrap_or_default();
    let publisher = said.iter().find(|(domain, _)| *domain == text("source")).map(|(_, answer)| answer);
    let lag = publisher.map(|publisher| {
        let streams = publisher.get("emitted").and_then(Value::as_array).into_iter().flatten();
        let stream =
            streams.into_iter().find(|stream| stream.get("aggregate") == Some(&Value::from(text("aggregate"))));
        let number = |of: Option<&Value>, member| of.and_then(|of| of.get(member)?.as_i64()).unwrap_or_default();
        // Both are read at their own instant: what was emitted in between is handled and not counted.
        (number(stream, "emitted") - number(Some(subscription), "handled")).max(0)
    });
    let mut whole = subscription.clone();
    if let Some(members) = whole.as_object_mut() {
        members.insert("lag".to_owned(), json!(lag));
    }
    whole
}

/// Path below the prefix and parameters, as another process is asked.
fn tail(list: &str, request: &HttpRequest) -> String {
    match request.query_string() {
        "" => list.to_owned(),
        query => format!("{list}?{query}"),
    }
}

fn list(answers: Answers, from: From, paging: &Paging, more: Map<String, Value>) -> Result<HttpResponse, Problem> {
    let Answers { said, unanswered } = answers;
    let Page { items, next_cursor } = merge(said.into_iter().map(|(_, page)| page).collect(), from, paging)?;
    let mut body = Map::from_iter([
        ("items".to_owned(), Value::Array(items)),
        ("next_cursor".to_owned(), json!(next_cursor)),
        ("unanswered".to_owned(), Value::Array(unanswered)),
    ]);
    body.extend(more);
    web::json(StatusCode::OK, &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lag_is_known_where_both_sides_answered() {
        let heard = json!({"source": "user", "aggregate": "user", "handled": 7});
        let emitted = |emitted: i64| vec![("user", json!({"emitted": [{"aggregate": "user", "emitted": emitted}]}))];
        assert_eq!(with_lag(&heard, &emitted(9))["lag"], 2);
        assert_eq!(with_lag(&heard, &emitted(5))["lag"], 0);
        assert_eq!(with_lag(&heard, &[("user", json!({"emitted": []}))])["lag"], 0);
        assert_eq!(with_lag(&heard, &[("task", json!({"emitted": []}))])["lag"], Value::Null);
    }
}
