//! Outboxes, inboxes and watermarks against one another.

use super::history::History;
use super::{Harm, Violation};
use crate::faults::facts::{Emitted, Facts, Taken};
use contracts::topology::HEARS;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The events of each aggregate in the order of their places.
pub(super) fn by_aggregate(events: &[Emitted]) -> BTreeMap<(&str, &str), Vec<&Emitted>> {
    let mut streams: BTreeMap<(&str, &str), Vec<&Emitted>> = BTreeMap::new();
    for event in events {
        streams.entry((&event.aggregate, &event.of)).or_default().push(event);
    }
    for stream in streams.values_mut() {
        stream.sort_by_key(|event| event.seq);
    }
    streams
}

/// What a consumer should hear, with who publishes it.
pub(super) fn heard<'f>(facts: &'f Facts, consumer: &str) -> Vec<(&'static str, &'f Emitted)> {
    let streams = HEARS.iter().filter(|line| line.consumer == consumer).flat_map(|line| line.streams);
    streams
        .flat_map(|stream| {
            let events = facts.outbox(stream.domain).iter().filter(move |event| event.aggregate == stream.aggregate);
            events.map(move |event| (stream.domain, event))
        })
        .collect()
}

/// A consumer's rows by event.
pub(super) fn taken<'f>(facts: &'f Facts, consumer: &str) -> HashMap<&'f str, Vec<&'f Taken>> {
    let mut rows: HashMap<&str, Vec<&Taken>> = HashMap::new();
    for row in facts.inboxes.get(consumer).into_iter().flatten() {
        rows.entry(&row.event).or_default().push(row);
    }
    rows
}

/// I4: per aggregate the sequences are 1..n without a hole or a repeat, written in that order, n is what the row counts, and
/// the types are those that the acknowledged commands make.
pub(super) fn i4_every_change_has_exactly_its_events(history: &History, facts: &Facts) -> Vec<Violation> {
    let mut found = Vec::new();
    for (domain, events) in &facts.outboxes {
        let streams = by_aggregate(events);
        for ((aggregate, of), stream) in &streams {
            let seqs: Vec<i64> = stream.iter().map(|event| event.seq).collect();
            if !seqs.iter().copied().eq(1..=i64::try_from(seqs.len()).unwrap_or_default()) {
                found.push(Violation::new("I4", Harm::Lost, format!("{aggregate} {of} has the events {seqs:?}")));
            }
            if !stream.is_sorted_by_key(|event| event.id) {
                let what = format!("{aggregate} {of} was written in another order than its sequence");
                found.push(Violation::new("I4", Harm::OutOfOrder, what));
            }
        }
        for (_, of, count) in facts.counted.iter().filter(|(counting, _, _)| counting == domain) {
            let events = streams.get(&(domain.as_str(), of.as_str())).map_or(0, Vec::len);
            if i64::try_from(events) != Ok(*count) {
                let what = format!("{domain} {of} counts {count} events and has {events}");
                found.push(Violation::new("I4", Harm::Lost, what));
            }
        }
    }
    let streams = by_aggregate(facts.outbox("task"));
    for (id, asked) in history.tasks() {
        let stored = streams.get(&("task", id)).map(Vec::as_slice).unwrap_or_default();
        let stored: Vec<&str> = stored.iter().map(|event| event.event_type.as_str()).collect();
        let known: Vec<&str> = asked.iter().filter(|asked| asked.is_ok()).flat_map(|asked| asked.events()).collect();
        // One command at a time is under way, so that only the last may be unknown: all of it or nothing.
        let all: Vec<&str> = asked.iter().flat_map(|asked| asked.events()).collect();
        if stored != known && stored != all {
            let keys: Vec<&str> = asked.iter().map(|asked| asked.command.key.as_str()).collect();
            let what = format!("task {id} has the events {stored:?}, and {keys:?} make {known:?}");
            found.push(Violation::new("I4", if stored.len() < known.len() { Harm::Lost } else { Harm::Phantom }, what));
        }
    }
    found
}

/// I5: what was taken was emitted, as it was emitted; and what somebody is told of happened. The payload of a row that is done
/// is not kept, so of those only the rest is compared.
pub(super) fn i5_nothing_comes_from_nowhere(facts: &Facts) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut phantom = |what| found.push(Violation::new("I5", Harm::Phantom, what));
    let emitted: HashMap<&str, (&str, &Emitted)> = facts
        .outboxes
        .iter()
        .flat_map(|(domain, events)| events.iter().map(move |event| (event.event.as_str(), (domain.as_str(), event))))
        .collect();
    for (consumer, rows) in &facts.inboxes {
        for row in rows {
            let Some((domain, event)) = emitted.get(row.event.as_str()) else {
                phantom(format!("{consumer} took {} {}, which nobody emitted", row.event_type, row.event));
                continue;
            };
            let same = *domain == row.source
                && event.aggregate == row.aggregate
                && event.of == row.of
                && event.seq == row.seq
                && event.event_type == row.event_type
                && row.data.as_ref().is_none_or(|data| *data == event.data);
            if !same {
                phantom(format!("{consumer} took {row:?}, and what was emitted is {event:?}"));
            }
        }
    }
    for told in &facts.told {
        if let Some(event) = told.event.as_deref().filter(|event| !emitted.contains_key(event)) {
            phantom(format!("{} is told of {event}, which nobody emitted, by {}", told.recipient, told.id));
        }
    }
    found
}

/// I9: what counts as published was taken by everybody who hears it.
pub(super) fn i9_what_is_published_was_taken(facts: &Facts) -> Vec<Violation> {
    let mut found = Vec::new();
    for line in HEARS {
        let rows = taken(facts, line.consumer);
        let missing = |(_, event): &(&str, &Emitted)| event.published && !rows.contains_key(event.event.as_str());
        for (domain, event) in heard(facts, line.consumer).into_iter().filter(missing) {
            let Emitted { event_type, event, of, seq, .. } = event;
            let what =
                format!("{domain} published {event_type} {event} ({of} {seq}), and {} has it not", line.consumer);
            found.push(Violation::new("I9", Harm::Lost, what));
        }
    }
    found
}

/// I11: what was given up has its payload, its reason and the attempts that it took, so that it can be brought on.
pub(super) fn i11_dead_letters_can_be_brought_on(facts: &Facts) -> Vec<Violation> {
    let dead = facts.inboxes.iter().flat_map(|(consumer, rows)| rows.iter().map(move |row| (consumer, row)));
    let lacking = dead.filter(|(_, row)| row.status == 2).filter(|(_, row)| {
        row.data.is_none() || row.attempts < 1 || row.last_error.as_deref().is_none_or(str::is_empty)
    });
    lacking
        .map(|(consumer, row)| {
            Violation::new("I11", Harm::Lost, format!("the dead letter of {consumer} lacks something: {row:?}"))
        })
        .collect()
}

/// I14: no transaction is open and no lock is held when everything is at rest.
pub(super) fn i14_nothing_is_held_open(facts: &Facts) -> Vec<Violation> {
    facts.held.iter().map(|what| Violation::new("I14", Harm::Unsound, what.clone())).collect()
}

/// I12: the files are sound.
pub(super) fn i12_the_files_are_sound(facts: &Facts) -> Vec<Violation> {
    facts.damage.iter().map(|what| Violation::new("I12", Harm::Unsound, what.clone())).collect()
}

/// I17: nothing waits, nothing is dead, nothing could not be read.
pub(super) fn i17_everything_is_at_rest(facts: &Facts) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut object = |what| found.push(Violation::new("I17", Harm::Unsound, what));
    for (domain, events) in &facts.outboxes {
        for event in events.iter().filter(|event| !event.published) {
            object(format!("{} {} of {domain} is not published", event.event_type, event.event));
        }
    }
    for (consumer, rows) in &facts.inboxes {
        for row in rows.iter().filter(|row| row.status != 1) {
            let Taken { event_type, event, of, seq, status, last_error, .. } = row;
            object(format!("{event_type} {event} ({of} {seq}) has status {status} in {consumer}: {last_error:?}"));
        }
    }
    if facts.undecodable > 0 {
        object(format!("{} messages were no events", facts.undecodable));
    }
    let heads: BTreeSet<&str> = facts.heads.keys().map(String::as_str).collect();
    for line in HEARS.iter().filter(|line| !heads.contains(line.consumer)) {
        object(format!("{} has heard of nothing at all", line.consumer));
    }
    found
}
