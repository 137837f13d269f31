//! What events caused: exactly that, in order, once.

use super::history::plain;
use super::streams::{heard, taken};
use super::{Harm, Violation};
use crate::faults::facts::{Emitted, Facts, Person};
use contracts::topology::HEARS;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Whom an event is told, as the contract says: never whoever did it, but of their own password and sign-ins, which may
/// have been somebody else.
fn recipients(event: &Emitted) -> BTreeSet<String> {
    let id = |field: &str| event.data[field].as_str().map(plain);
    let but = |by: Option<String>, all: Vec<Option<String>>| {
        all.into_iter().flatten().filter(|one| Some(one) != by.as_ref()).collect()
    };
    match event.event_type.as_str() {
        "user.created.v1" | "user.password_changed.v1" | "user.access_revoked.v1" => but(None, vec![id("user_id")]),
        "task.assigned.v1" => but(id("by"), vec![id("assignee_id")]),
        "task.completed.v1" => but(id("completed_by"), vec![id("creator_id"), id("assignee_id")]),
        _ => BTreeSet::new(),
    }
}

/// I6: for every consumer and every event the effect is there once; and there is no other.
pub(super) fn i6_every_event_has_its_effects(facts: &Facts) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut object = |harm, what| found.push(Violation::new("I6", harm, what));
    for line in HEARS {
        let rows = taken(facts, line.consumer);
        for (_, event) in heard(facts, line.consumer) {
            let Emitted { event: id, event_type, of, seq, .. } = event;
            let times = rows.get(id.as_str()).map_or(0, Vec::len);
            if times != 1 {
                let harm = if times == 0 { Harm::Lost } else { Harm::Duplicated };
                object(harm, format!("{} has {event_type} {id} ({of} {seq}) {times} times", line.consumer));
            }
        }
    }
    let mut told: HashMap<&str, BTreeSet<&str>> = HashMap::new();
    for one in &facts.told {
        if let Some(event) = &one.event {
            told.entry(event).or_default().insert(&one.recipient);
        }
    }
    let rows = taken(facts, "notification");
    for (_, event) in heard(facts, "notification") {
        let done = rows.get(event.event.as_str()).is_some_and(|rows| rows.iter().any(|row| row.status == 1));
        let should = if done { recipients(event) } else { BTreeSet::new() };
        let is = told.remove(event.event.as_str()).unwrap_or_default();
        let Emitted { event: id, event_type, of, seq, .. } = event;
        for missing in should.iter().filter(|one| !is.contains(one.as_str())) {
            object(Harm::Lost, format!("{missing} was not told of {event_type} {id} ({of} {seq})"));
        }
        for extra in is.iter().filter(|one| !should.contains(**one)) {
            object(Harm::Phantom, format!("{extra} was told of {event_type} {id} ({of} {seq}), which is not theirs"));
        }
    }
    for event in told.keys() {
        object(Harm::Phantom, format!("somebody was told of {event}, which nobody hears"));
    }
    found
}

/// I7: per consumer and aggregate what is done is 1..n without a hole, the watermark is n, and the effects were committed in
/// that order. The order is seen as the documentation of [`Facts`] says.
pub(super) fn i7_effects_are_in_order(facts: &Facts) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut object = |harm, what| found.push(Violation::new("I7", harm, what));
    for line in HEARS {
        let mut done: BTreeMap<(&str, &str, &str), BTreeSet<i64>> = BTreeMap::new();
        for row in
            facts.inboxes.get(line.consumer).into_iter().flatten().filter(|row| row.status == 1 || row.status == 3)
        {
            done.entry((&row.source, &row.aggregate, &row.of)).or_default().insert(row.seq);
        }
        let heads = facts.heads.get(line.consumer).into_iter().flatten();
        let heads: BTreeMap<(&str, &str, &str), i64> = heads
            .map(|head| ((head.source.as_str(), head.aggregate.as_str(), head.of.as_str()), head.last_seq))
            .collect();
        for (key, seqs) in &done {
            let prefix = (1..).take_while(|seq| seqs.contains(seq)).count();
            if prefix != seqs.len() {
                object(Harm::OutOfOrder, format!("{} has done {seqs:?} of {key:?}", line.consumer));
            }
            let head = heads.get(key).copied().unwrap_or_default();
            if usize::try_from(head) != Ok(prefix) {
                let what = format!("{} stands at {head} of {key:?} and has done {prefix}", line.consumer);
                object(Harm::Unsound, what);
            }
        }
        for (key, head) in heads.iter().filter(|(key, head)| **head > 0 && !done.contains_key(*key)) {
            object(Harm::Unsound, format!("{} stands at {head} of {key:?} and has done nothing", line.consumer));
        }
    }
    let heard: HashMap<&str, &Emitted> =
        heard(facts, "notification").into_iter().map(|(_, event)| (event.event.as_str(), event)).collect();
    let mut last: BTreeMap<(&str, &str), (i64, &str)> = BTreeMap::new();
    for sent in facts.outbox("notification") {
        let Some(cause) = sent.cause.as_deref().and_then(|cause| heard.get(cause)) else { continue };
        let before = last.insert((&cause.aggregate, &cause.of), (cause.seq, &cause.event));
        if let Some((seq, event)) = before.filter(|(seq, _)| *seq > cause.seq) {
            let Emitted { aggregate, of, event: later, seq: late, .. } = cause;
            let what = format!(
                "{aggregate} {of}: the effect of {seq} ({event}) was committed before that of {late} ({later})"
            );
            object(Harm::OutOfOrder, what);
        }
    }
    found
}

/// I8: nobody is told of an event twice, and nothing is delivered twice on a channel.
pub(super) fn i8_nobody_is_told_twice(facts: &Facts) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut object = |what| found.push(Violation::new("I8", Harm::Duplicated, what));
    let (mut told, mut channels, mut ids) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for one in facts.told.iter().filter(|one| one.event.is_some()) {
        if !told.insert((&one.event, &one.recipient)) {
            object(format!("{} is told of {:?} again, by {}", one.recipient, one.event, one.id));
        }
    }
    for (id, notification, channel) in &facts.deliveries {
        if !channels.insert((notification, channel)) || !ids.insert(id) {
            object(format!("{notification} was delivered again on {channel}, as {id}"));
        }
    }
    let mut sent: BTreeMap<&str, usize> = BTreeMap::new();
    for event in facts.outbox("notification").iter().filter(|event| event.event_type == "notification.sent.v1") {
        *sent.entry(&event.of).or_default() += 1;
    }
    for (notification, times) in sent.iter().filter(|(_, times)| **times > 1) {
        object(format!("{notification} was sent {times} times"));
    }
    let known: BTreeSet<&str> = facts.told.iter().map(|one| one.id.as_str()).collect();
    for (id, notification, _) in
        facts.deliveries.iter().filter(|(_, notification, _)| !known.contains(notification.as_str()))
    {
        found.push(Violation::new("I8", Harm::Phantom, format!("{id} delivers {notification}, which is not there")));
    }
    found
}

/// I10: what other domains know of users is what the log of the user domain says, and what that domain has.
pub(super) fn i10_domains_agree(facts: &Facts) -> Vec<Violation> {
    let mut log: BTreeMap<String, Person> = BTreeMap::new();
    for event in facts.outbox("user").iter().filter(|event| event.aggregate == "user") {
        let text = |field: &str| event.data[field].as_str().map(str::to_owned);
        match event.event_type.as_str() {
            "user.deleted.v1" => drop(log.remove(&event.of)),
            // They say nothing of who the user is.
            "user.password_changed.v1" | "user.access_revoked.v1" => {}
            _ => {
                let is_active = event.data["is_active"] == Value::Bool(true);
                log.insert(event.of.clone(), Person { is_active, username: text("username"), email: text("email") });
            }
        }
    }
    let mut found = Vec::new();
    let nameless: BTreeMap<String, Person> = log
        .iter()
        .map(|(id, person)| (id.clone(), Person { is_active: person.is_active, username: None, email: None }))
        .collect();
    for (who, should, is) in
        [("user", &log, &facts.users), ("notification", &log, &facts.recipients), ("task", &nameless, &facts.projected)]
    {
        let ids: BTreeSet<&String> = should.keys().chain(is.keys()).collect();
        for id in ids.into_iter().filter(|id| should.get(*id) != is.get(*id)) {
            let what = format!("{who} knows of {id} {:?}; the log says {:?}", is.get(id), should.get(id));
            found.push(Violation::new("I10", Harm::Unsound, what));
        }
    }
    found
}
