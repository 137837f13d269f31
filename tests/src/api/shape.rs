//! What makes a document one of OpenAPI 3.1, as far as the specification's own words can be checked.

use super::{operations, resolved};
use serde_json::Value;
use std::collections::BTreeSet;

/// What is wrong with the document.
#[must_use]
pub fn objections(document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if document["openapi"] != "3.1.0"
        || !document["info"]["title"].is_string()
        || !document["info"]["version"].is_string()
    {
        found.push("it is no document of OpenAPI 3.1".to_owned());
    }
    references(document, document, &mut found);
    let mut ids = BTreeSet::new();
    for operation in operations(document) {
        let mut object = |what: String| found.push(format!("{}: {what}", operation.name()));
        if !["get", "put", "post", "delete", "patch"].contains(&operation.method) {
            object("is no method".to_owned());
        }
        match operation.value["operationId"].as_str() {
            Some(id) if ids.insert(id) => {}
            id => object(format!("another operation is called {id:?}, or it has no name")),
        }
        if operation.value["summary"].as_str().is_none_or(str::is_empty) {
            object("no summary".to_owned());
        }
        let in_path: BTreeSet<&str> =
            operation.path.split('{').skip(1).filter_map(|part| part.split('}').next()).collect();
        let declared = operation.parameters(document, "path");
        let declared: BTreeSet<&str> = declared.iter().filter_map(|parameter| parameter["name"].as_str()).collect();
        if in_path != declared {
            object(format!("the path has {in_path:?}, declared are {declared:?}"));
        }
        for place in ["path", "query", "header"] {
            let parameters = operation.parameters(document, place);
            let names: BTreeSet<&str> = parameters.iter().filter_map(|parameter| parameter["name"].as_str()).collect();
            if names.len() != parameters.len() {
                object(format!("two parameters of the {place} have one name"));
            }
        }
        let answers = operation.answers(document);
        if !answers.iter().any(|(status, _)| status.starts_with('2')) {
            object("nothing but refusals".to_owned());
        }
        for (status, answer) in answers {
            if !answer["description"].is_string() {
                object(format!("{status} has no description"));
            }
            let refuses = status.starts_with(['4', '5']);
            let problem = answer.pointer("/content/application~1problem+json").is_some();
            let of_health = operation.path.starts_with("/health") && status == "503";
            if refuses && !problem && !of_health {
                object(format!("{status} is no problem document"));
            }
        }
    }
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        if !jsonschema::draft202012::meta::is_valid(schema) {
            found.push(format!("the schema {name} is none"));
        }
        // schemars numbers a name that two types have.
        if name.ends_with(|c: char| c.is_ascii_digit()) {
            found.push(format!("the schema {name} has the name of another: rename one of the two types"));
        }
    }
    found
}

fn references(document: &Value, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                let leads = reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
                match leads {
                    Some(_) => drop(resolved(document, value)),
                    None => found.push(format!("{reference} leads nowhere")),
                }
            }
            members.values().for_each(|member| references(document, member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(document, item, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document(operation: Value) -> Value {
        json!({
            "openapi": "3.1.0", "info": { "title": "t", "version": "1" },
            "paths": { "/things/{id}": { "get": operation } },
            "components": { "schemas": { "Thing": { "type": "object" } } },
        })
    }

    fn fine() -> Value {
        json!({
            "operationId": "getThing", "summary": "A thing", "security": [],
            "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }],
            "responses": { "200": { "description": "It.", "content": { "application/json": {
                "schema": { "$ref": "#/components/schemas/Thing" },
            } } } },
        })
    }

    #[test]
    fn each_rule_has_been_seen_to_fail() {
        assert_eq!(objections(&document(fine())), Vec::<String>::new());
        let spoilt = |pointer: &str, value: Value| {
            let mut operation = fine();
            *operation.pointer_mut(pointer).unwrap() = value;
            objections(&document(operation)).len()
        };
        assert_eq!(spoilt("/operationId", json!(null)), 1);
        assert_eq!(spoilt("/summary", json!("")), 1);
        assert_eq!(spoilt("/parameters/0/name", json!("other")), 1);
        assert_eq!(spoilt("/responses", json!({ "404": { "description": "No." } })), 2);
        let nowhere = json!("#/components/schemas/Other");
        assert_eq!(spoilt("/responses/200/content/application~1json/schema/$ref", nowhere), 1);
        let mut document = document(fine());
        document["components"]["schemas"]["Thing2"] = json!({ "type": "nothing" });
        assert_eq!(objections(&document).len(), 2);
    }
}
