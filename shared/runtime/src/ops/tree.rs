//! What a request caused. Rule: every event stands once, below the event that caused it; one whose cause is not among
//! them was caused by the request, or by something that nobody could tell.

use super::merge::id;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// The events, each with `caused` below it; `events` are in the order of their ids.
pub(super) fn tree(events: Vec<Value>) -> Vec<Value> {
    let all: BTreeMap<Uuid, Value> = events.into_iter().filter_map(|event| Some((id(&event)?, event))).collect();
    let mut children: BTreeMap<Uuid, Vec<Uuid>> = BTreeMap::new();
    let mut roots = Vec::new();
    for (id, event) in &all {
        match cause(event).filter(|cause| all.contains_key(cause) && cause != id) {
            Some(cause) => children.entry(cause).or_default().push(*id),
            None => roots.push(*id),
        }
    }
    let mut placed = BTreeSet::new();
    let mut trees: Vec<Value> =
        roots.into_iter().filter_map(|root| place(root, &all, &children, &mut placed)).collect();
    // Events that cause one another were written by nobody of ours; they are shown all the same.
    let left: Vec<Uuid> = all.keys().copied().filter(|id| !placed.contains(id)).collect();
    trees.extend(left.into_iter().filter_map(|id| place(id, &all, &children, &mut placed)));
    trees
}

/// The event that caused it.
pub(super) fn cause(event: &Value) -> Option<Uuid> {
    event.get("causationid")?.as_str()?.parse().ok()
}

fn place(
    id: Uuid,
    all: &BTreeMap<Uuid, Value>,
    children: &BTreeMap<Uuid, Vec<Uuid>>,
    placed: &mut BTreeSet<Uuid>,
) -> Option<Value> {
    if !placed.insert(id) {
        return None;
    }
    let below = children.get(&id).into_iter().flatten();
    let caused: Vec<Value> = below.filter_map(|child| place(*child, all, children, placed)).collect();
    let event = all.get(&id)?;
    let member = |name: &str| event.get(name).cloned().unwrap_or_default();
    Some(json!({
        "id": id,
        "type": member("type"),
        "source": member("source"),
        "subject": member("subject"),
        "time": member("time"),
        "publication": member("publication"),
        "consumers": member("consumers"),
        "caused": caused,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: u128, cause: Option<u128>) -> Value {
        json!({"id": Uuid::from_u128(id), "causationid": cause.map(Uuid::from_u128)})
    }

    /// `1(2(4)3)`.
    fn shape(tree: &[Value]) -> String {
        let one = |node: &Value| {
            let number = node["id"].as_str().unwrap().parse::<Uuid>().unwrap().as_u128();
            let below = shape(node["caused"].as_array().unwrap());
            if below.is_empty() { number.to_string() } else { format!("{number}({below})") }
        };
        tree.iter().map(one).collect()
    }

    #[test]
    fn each_event_stands_below_its_cause() {
        let events = vec![event(1, None), event(2, Some(1)), event(3, Some(1)), event(4, Some(2)), event(5, Some(99))];
        assert_eq!(shape(&tree(events)), "1(2(4)3)5");
    }

    #[test]
    fn events_that_cause_one_another_are_shown_once() {
        assert_eq!(shape(&tree(vec![event(1, Some(2)), event(2, Some(1)), event(3, Some(3))])), "31(2)");
    }
}
