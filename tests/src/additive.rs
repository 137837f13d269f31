//! What a version of an event may become. Rule: additive only; whoever reads the old one can read the new one.

use serde_json::Value;
use std::collections::BTreeSet;

/// What in `new` breaks readers of `old`; empty when nothing does. `path` names the place in the schema.
#[must_use]
pub fn breaks(old: &Value, new: &Value, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (word, kept) in [("type", true), ("$ref", true), ("format", true), ("items", false)] {
        if kept && old.get(word) != new.get(word) {
            found.push(format!("{path}: {word} changes from {} to {}", show(old.get(word)), show(new.get(word))));
        } else if let (Some(old), Some(new)) = (old.get(word), new.get(word))
            && !kept
        {
            found.extend(breaks(old, new, &format!("{path}/{word}")));
        }
    }
    for group in ["properties", "$defs"] {
        for (name, old) in old.get(group).and_then(Value::as_object).into_iter().flatten() {
            let place = format!("{path}/{name}");
            match new.get(group).and_then(|new| new.get(name)) {
                Some(new) => found.extend(breaks(old, new, &place)),
                None => found.push(format!("{place}: goes away")),
            }
        }
    }
    // A field that was always there may be relied on; one that is new must not be demanded of old events.
    let (was, is) = (words(old, "required"), words(new, "required"));
    found.extend(was.difference(&is).map(|name| format!("{path}/{name}: is no longer always there")));
    found.extend(is.difference(&was).map(|name| format!("{path}/{name}: is demanded, and events of the past lack it")));
    let (was, is) = (words(old, "enum"), words(new, "enum"));
    found.extend(was.symmetric_difference(&is).map(|name| format!("{path}: the set of values changes by {name}")));
    for list in ["anyOf", "oneOf"] {
        if old.get(list) != new.get(list) {
            found.push(format!("{path}: {list} changes"));
        }
    }
    found
}

fn words(schema: &Value, key: &str) -> BTreeSet<String> {
    let list = schema.get(key).and_then(Value::as_array);
    list.into_iter().flatten().map(ToString::to_string).collect()
}

fn show(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> Value {
        json!({"type": "object", "required": ["id"], "properties": {
            "id": {"type": "string", "format": "uuid"}, "note": {"type": ["string", "null"]},
            "list": {"type": "array", "items": {"type": "string"}}, "state": {"enum": ["a", "b"]}}})
    }

    #[test]
    fn what_breaks_a_reader_is_found() {
        let changes: [fn(&mut Value); 7] = [
            |schema| drop(schema["properties"].as_object_mut().unwrap().remove("note")),
            |schema| schema["properties"]["id"]["type"] = json!("integer"),
            |schema| schema["properties"]["id"]["format"] = json!("date"),
            |schema| schema["properties"]["list"]["items"]["type"] = json!("integer"),
            |schema| schema["required"] = json!([]),
            |schema| schema["required"] = json!(["id", "note"]),
            |schema| schema["properties"]["state"]["enum"] = json!(["a", "b", "c"]),
        ];
        for change in changes {
            let mut new = schema();
            change(&mut new);
            assert_eq!(breaks(&schema(), &new, "").len(), 1, "{new}");
        }
    }

    #[test]
    fn a_new_field_that_may_be_absent_breaks_nobody() {
        let mut new = schema();
        new["properties"]["extra"] = json!({"type": ["string", "null"]});
        assert!(breaks(&schema(), &new, "").is_empty());
    }
}
