//! Refusals of an operation. Rule: one answer for each status, with exactly the codes that this operation can refuse
//! with; answers that are alike stand once in the document.

use super::operation::Operation;
use super::parameters::segments;
use crate::problem::{PROBLEM_JSON, ProblemCode};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// By status, the name of the answer in the components; those that are new are added there.
pub(super) fn problems(
    path: &str,
    method: &str,
    operation: &Operation,
    components: &mut Map<String, Value>,
) -> BTreeMap<u16, String> {
    let mut by_status: BTreeMap<u16, BTreeSet<ProblemCode>> = BTreeMap::new();
    for code in codes(path, method, operation) {
        by_status.entry(code.status().as_u16()).or_default().insert(code);
    }
    let mut named = BTreeMap::new();
    for (status, codes) in by_status {
        let names: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
        let mut name = format!("{status}.{}", names.join("."));
        if !operation.limited {
            name.push_str(".unlimited");
        }
        if !components.contains_key(&name) {
            components.insert(name.clone(), answer(status, &codes, operation.limited));
        }
        named.insert(status, name);
    }
    named
}

fn codes(path: &str, method: &str, operation: &Operation) -> BTreeSet<ProblemCode> {
    let mut codes = operation.problems.clone();
    if !segments(path).is_empty() {
        codes.insert(ProblemCode::NotFound);
    }
    // Of who reads, nothing is left to know.
    let reads = operation.reads || method == "GET";
    if !reads && codes.contains(&ProblemCode::Unavailable) {
        codes.insert(ProblemCode::OutcomeUnknown);
    }
    codes
}

fn answer(status: u16, codes: &BTreeSet<ProblemCode>, limited: bool) -> Value {
    let names: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    let titles: Vec<&str> = codes.iter().map(|code| code.title()).collect();
    let examples: Map<String, Value> = names
        .iter()
        .map(|name| ((*name).to_owned(), json!({ "$ref": format!("#/components/examples/{name}") })))
        .collect();
    let mut headers = super::document::common_headers(limited);
    let own: &[&str] = match status {
        401 => &["WWW-Authenticate"],
        429 | 503 => &["Retry-After"],
        _ => &[],
    };
    for name in own {
        headers.insert((*name).to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }));
    }
    json!({
        "description": titles.join("; "),
        "headers": headers,
        "content": { PROBLEM_JSON: {
            "schema": { "allOf": [
                { "$ref": "#/components/schemas/Problem" },
                { "type": "object", "properties": { "status": { "const": status }, "code": { "enum": names } } },
            ] },
            "examples": examples,
        } },
    })
}

/// A problem document, whatever its code.
pub(super) fn schema() -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    json!({
        "type": "object",
        "description": "Why a request was refused (RFC 9457). Programs compare `code`; members that only some codes have may be added.",
        "required": ["type", "title", "status", "instance", "code", "request_id"],
        "properties": {
            "type": { "type": "string", "format": "uri-reference", "description": "Where the code is explained." },
            "title": text("What the code means, in a few words."),
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "detail": text("What is particular to this occurrence."),
            "instance": { "type": "string", "description": "The address that was asked." },
            "code": text("The stable name that programs compare."),
            "request_id": text("As in the header X-Request-Id."),
            "parameter": text("The query parameter that was refused."),
            "nearest": text("The parameter that was probably meant."),
            "allowed": { "type": "array", "items": { "type": "string" }, "description": "What would have been accepted." },
            "current_etag": text("The ETag of the present version."),
            "event_status": text("How far the event is."),
            "errors": {
                "type": "array",
                "description": "Every invalid field of the body.",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["pointer", "code", "detail"],
                    "properties": {
                        "pointer": { "type": "string", "description": "JSON pointer (RFC 6901) into the body; empty for all of it." },
                        "code": text("The stable name of the broken rule."),
                        "detail": text("The rule, for people."),
                    },
                },
            },
        },
    })
}

/// One of each, by their names.
pub(super) fn examples() -> Map<String, Value> {
    ProblemCode::ALL.iter().map(|code| (code.as_str().to_owned(), json!({ "value": example(*code) }))).collect()
}

fn example(code: ProblemCode) -> Value {
    json!({
        "type": format!("/docs/errors#{}", code.as_str()),
        "title": code.title(),
        "status": code.status().as_u16(),
        "instance": "/api/v1/tasks",
        "code": code.as_str(),
        "request_id": "019b76da-a800-70a9-b413-ea6580eb401c",
    })
}
