//! One event, with all that is known of it. Rule: 404 only when every domain said that it does not know it.

use super::asked::{Answer, Answers, as_sent, ask_all};
use super::domain;
use super::filters::EVENTS;
use super::merge::{id, together};
use super::shapes::{self, EventInContext};
use super::tree::{cause, tree};
use crate::process::Process;
use crate::server::Domain;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use contracts::EventId;
use outbox::ops::{Criteria, Window};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;
use web::openapi::Operation;
use web::{Admin, Id, NoParams, Params, Problem, ProblemCode};

/// Events of one tree that are shown, from each domain.
const MOST: u64 = 100;
/// How many causes up and down are followed where there is no correlation id.
const STEPS: usize = 8;

pub(super) fn operation() -> Operation {
    Operation::new("getEvent", "One event: how far it is everywhere, and the tree of what its request caused")
        .tag("operations")
        .admin()
        .ok::<EventInContext>(shapes::event_in_context)
}

pub(super) async fn event(
    request: HttpRequest,
    process: Data<Process>,
    _: Admin,
    _: Params<NoParams>,
    Id(event): Id<EventId>,
) -> Result<HttpResponse, Problem> {
    let asking = Asking { request: &request, process: &process };
    let mut unanswered = BTreeSet::new();
    let Some(mut found) = asking.one(event.uuid(), &mut unanswered).await else {
        let code = if unanswered.is_empty() { ProblemCode::NotFound } else { ProblemCode::Unavailable };
        return Err(Problem::new(code));
    };
    let (related, truncated) = asking.related(&found, &mut unanswered).await;
    let causation = json!({
        "correlation_id": found.get("correlationid"),
        "events": tree(related),
        "truncated": truncated,
    });
    if let Some(members) = found.as_object_mut() {
        let silent = |(domain, code): &(String, String)| json!({ "domain": domain, "code": code });
        members.insert("causation".to_owned(), causation);
        members.insert("unanswered".to_owned(), unanswered.iter().map(silent).collect());
    }
    web::json(StatusCode::OK, &found)
}

/// Domain and code.
type Silent = BTreeSet<(String, String)>;

struct Asking<'a> {
    request: &'a HttpRequest,
    process: &'a Process,
}

impl Asking<'_> {
    async fn one(&self, event: Uuid, silent: &mut Silent) -> Option<Value> {
        let here = async |domain: &Domain| -> Answer {
            match domain::event_of(domain, EventId(event)).await? {
                Some(found) => as_sent(&found),
                None => Ok(None),
            }
        };
        let answers = ask_all(self.request, self.process, &format!("events/{event}"), here).await;
        together(heard(answers, silent)).pop()
    }

    /// The events of the same request, itself included; and whether there are more.
    async fn related(&self, found: &Value, silent: &mut Silent) -> (Vec<Value>, bool) {
        if let Some(correlation) = found.get("correlationid").and_then(Value::as_str) {
            let criteria = Criteria { correlation_id: Some(correlation.to_owned()), ..Criteria::default() };
            let query = format!("correlation_id={}", encoded(correlation));
            let (mut events, truncated) = self.list(&criteria, &query, silent).await;
            events.push(found.clone());
            return (together(events), truncated);
        }
        let (mut events, mut truncated) = (vec![found.clone()], false);
        let mut above = cause(found);
        for _ in 0..STEPS {
            let Some(id) = above.take() else { break };
            let Some(event) = self.one(id, silent).await else { break };
            above = cause(&event);
            events.push(event);
        }
        let mut newest: Vec<Uuid> = id(found).into_iter().collect();
        for _ in 0..STEPS {
            if newest.is_empty() {
                break;
            }
            let criteria = Criteria { causes: newest.clone(), ..Criteria::default() };
            let ids: Vec<String> = newest.iter().map(Uuid::to_string).collect();
            let (caused, more) = self.list(&criteria, &format!("causation_id={}", ids.join(",")), silent).await;
            let known: BTreeSet<Uuid> = events.iter().filter_map(id).collect();
            newest = caused.iter().filter_map(id).filter(|id| !known.contains(id)).take(MOST as usize).collect();
            truncated |= more;
            events.extend(caused);
        }
        (together(events), truncated)
    }

    async fn list(&self, criteria: &Criteria, query: &str, silent: &mut Silent) -> (Vec<Value>, bool) {
        let here = async |domain: &Domain| -> Answer {
            let window = Window { behind: None, limit: MOST };
            let events = outbox::ops::events(&domain.db, domain.name, criteria, window).await?;
            let more = events.len() as u64 == MOST;
            Ok(Some(json!({ "items": events, "next_cursor": more.then_some(EVENTS) })))
        };
        let tail = format!("events?limit={MOST}&{query}");
        let pages = heard(ask_all(self.request, self.process, &tail, here).await, silent);
        let more = pages.iter().any(|page| page.get("next_cursor").is_some_and(Value::is_string));
        let items = pages.into_iter().filter_map(|mut page| match page.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => Some(items),
            _ => None,
        });
        (items.flatten().collect(), more)
    }
}

fn heard(answers: Answers, silent: &mut Silent) -> Vec<Value> {
    let text = |value: &Value, member: &str| value.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    silent.extend(answers.unanswered.iter().map(|one| (text(one, "domain"), text(one, "code"))));
    answers.said.into_iter().map(|(_, said)| said).collect()
}

/// A correlation id that a client brought is of these characters; what somebody else wrote may not be.
fn encoded(text: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    text.bytes().map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
