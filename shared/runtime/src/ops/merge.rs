//! One list out of several. Rule: an event that its publisher and its consumers tell of is one item that says what all
//! of them say; the order is that of the ids, which are in the order of time.

use serde_json::{Map, Value};
use std::collections::BTreeMap;
use uuid::Uuid;
use web::{Page, Paging, Problem};

/// Which end a list begins at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    Newest,
    Oldest,
}

/// The page that the pages of the domains make together.
pub(super) fn merge(pages: Vec<Value>, from: From, paging: &Paging) -> Result<Page<Value>, Problem> {
    let mut more = false;
    let mut items = Vec::new();
    for mut page in pages {
        more |= page.get("next_cursor").is_some_and(Value::is_string);
        if let Some(Value::Array(listed)) = page.get_mut("items").map(Value::take) {
            items.extend(listed);
        }
    }
    let mut items = together(items);
    if from == From::Newest {
        items.reverse();
    }
    paging.page(items, more, id)
}

/// Each event once, in the order of their ids.
pub(super) fn together(parts: Vec<Value>) -> Vec<Value> {
    let mut events: BTreeMap<Uuid, Value> = BTreeMap::new();
    for part in parts {
        let Some(id) = id(&part) else { continue };
        let whole = match events.remove(&id) {
            Some(known) => both(known, part),
            None => part,
        };
        events.insert(id, whole);
    }
    events.into_values().collect()
}

pub(super) fn id(event: &Value) -> Option<Uuid> {
    event.get("id")?.as_str()?.parse().ok()
}

/// What the publisher says counts; consumers add how far they are, and what it left out.
fn both(one: Value, other: Value) -> Value {
    let published = |event: &Value| event.get("publication").is_some_and(Value::is_object);
    let (first, second) = if published(&other) && !published(&one) { (other, one) } else { (one, other) };
    let (Value::Object(mut whole), Value::Object(mut added)) = (first, second) else { return Value::Null };
    let mut consumers = taken(&mut whole);
    consumers.extend(taken(&mut added));
    consumers.sort_by(|a, b| name(a).cmp(name(b)));
    for (member, value) in added {
        if whole.get(&member).is_none_or(Value::is_null) {
            whole.insert(member, value);
        }
    }
    whole.insert("consumers".to_owned(), Value::Array(consumers));
    Value::Object(whole)
}

fn taken(event: &mut Map<String, Value>) -> Vec<Value> {
    match event.remove("consumers") {
        Some(Value::Array(consumers)) => consumers,
        _ => Vec::new(),
    }
}

fn name(consumer: &Value) -> &str {
    consumer.get("consumer").and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_the_publisher_and_two_consumers_say_is_one_item() {
        let id = Uuid::from_u128(7);
        let told = |publication: Value, consumers: Value, data: Value| json!({"id": id, "publication": publication, "consumers": consumers, "data": data});
        let parts = vec![
            told(Value::Null, json!([{"consumer": "task", "status": "done"}]), Value::Null),
            told(json!({"status": "published"}), json!([]), json!({"a": 1})),
            told(Value::Null, json!([{"consumer": "notification", "status": "dead"}]), Value::Null),
        ];
        let whole = together(parts);
        let consumers = json!([{"consumer": "notification", "status": "dead"}, {"consumer": "task", "status": "done"}]);
        assert_eq!(whole, [told(json!({"status": "published"}), consumers, json!({"a": 1}))]);
    }

    #[test]
    fn events_are_in_the_order_of_their_ids() {
        let event = |id: u128| json!({"id": Uuid::from_u128(id), "consumers": []});
        let parts = vec![event(3), event(1), json!({"id": 5}), event(2), event(1)];
        assert_eq!(together(parts), [event(1), event(2), event(3)]);
    }
}
