//! Parameters of an operation. Rule: those of the query are the fields of the types that read them, so a filter cannot
//! be read and not described.

use super::operation::{Operation, RequestHeader};
use crate::page::{DEFAULT_LIMIT, MAX_CURSOR, MAX_LIMIT};
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

/// All of them, in the order path, query, header.
pub(super) fn parameters(path: &str, operation: &Operation, generator: &mut SchemaGenerator) -> Vec<Value> {
    let mut all = in_path(path, operation);
    for query in &operation.query {
        all.extend(in_query(query(generator).as_value()));
    }
    if operation.paged {
        all.extend(paging(&operation.sort));
    }
    all.extend(operation.headers.iter().map(|header| json!({ "$ref": reference(*header) })));
    all
}

/// The names between braces.
pub(super) fn segments(path: &str) -> Vec<&str> {
    path.split('{').skip(1).filter_map(|part| part.split_once('}').map(|(name, _)| name)).collect()
}

fn in_path(path: &str, operation: &Operation) -> Vec<Value> {
    let schema = |name: &str| {
        let own = operation.path.iter().find(|(segment, _)| *segment == name);
        own.map_or_else(|| json!({ "type": "string", "format": "uuid" }), |(_, schema)| schema.as_value().clone())
    };
    let parameter = |name| json!({ "name": name, "in": "path", "required": true, "schema": schema(name) });
    segments(path).into_iter().map(parameter).collect()
}

fn in_query(of: &Value) -> Vec<Value> {
    let properties = of.get("properties").and_then(Value::as_object).into_iter().flatten();
    properties.map(|(name, schema)| query_parameter(name, schema.clone())).collect()
}

fn query_parameter(name: &str, schema: Value) -> Value {
    let mut schema = without_null(schema);
    let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
    let list = schema.get("type").is_some_and(|kind| kind == "array");
    let mut parameter = json!({ "name": name, "in": "query", "schema": schema });
    if let Some(members) = parameter.as_object_mut() {
        members.extend(description.map(|text| ("description".to_owned(), text)));
        if list {
            // With commas, in one parameter.
            members.insert("style".to_owned(), json!("form"));
            members.insert("explode".to_owned(), json!(false));
        }
    }
    parameter
}

/// An absent parameter is not there; it cannot be null.
fn without_null(mut schema: Value) -> Value {
    let null = |schema: &Value| *schema == json!("null") || schema.get("type").is_some_and(|kind| kind == "null");
    let Some(members) = schema.as_object_mut() else { return schema };
    if let Some(Value::Array(kinds)) = members.get_mut("type") {
        kinds.retain(|kind| !null(kind));
        if let [kind] = kinds.as_slice() {
            let kind = kind.clone();
            members.insert("type".to_owned(), kind);
        }
    }
    if let Some(Value::Array(values)) = members.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    let Some(Value::Array(mut any)) = members.remove("anyOf") else { return schema };
    any.retain(|schema| !null(schema));
    match (any.pop(), any.is_empty()) {
        (Some(Value::Object(only)), true) => {
            let said = std::mem::take(members);
            members.extend(only);
            members.extend(said);
        }
        (last, _) => {
            any.extend(last);
            members.insert("anyOf".to_owned(), Value::Array(any));
        }
    }
    schema
}

fn paging(sort: &[&str]) -> Vec<Value> {
    let mut all =
        vec![json!({ "$ref": "#/components/parameters/limit" }), json!({ "$ref": "#/components/parameters/cursor" })];
    if !sort.is_empty() {
        all.push(sorting(sort));
    }
    all
}

/// Different fields, each with or without a minus sign: no field may stand there in both ways.
fn sorting(fields: &[&str]) -> Value {
    let keys: Vec<String> = fields.iter().flat_map(|field| [(*field).to_owned(), format!("-{field}")]).collect();
    let both = |field: &&str| json!({ "not": { "allOf": [{ "contains": { "const": field } }, { "contains": { "const": format!("-{field}") } }] } });
    json!({
        "name": "sort",
        "in": "query",
        "description": "Fields to sort by, the first counts most; a minus sign turns the order. Null comes last, the id decides between equals.",
        "style": "form",
        "explode": false,
        "schema": {
            "type": "array",
            "items": { "type": "string", "enum": keys },
            "minItems": 1,
            "maxItems": fields.len(),
            "uniqueItems": true,
            "allOf": fields.iter().map(both).collect::<Vec<_>>(),
        },
    })
}

const fn reference(header: RequestHeader) -> &'static str {
    match header {
        RequestHeader::IdempotencyKey => "#/components/parameters/Idempotency-Key",
        RequestHeader::IfMatch => "#/components/parameters/If-Match",
        RequestHeader::IfNoneMatch => "#/components/parameters/If-None-Match",
    }
}

/// Those that mean the same wherever they stand.
pub(super) fn shared() -> Map<String, Value> {
    let header = |name: &str, description: &str, schema: Value| json!({ "name": name, "in": "header", "description": description, "schema": schema });
    let tag = r#"(?:W/)?"[\t !#-~]*""#;
    let tags = format!(r"^{tag}(?:[\t ]*,[\t ]*{tag}){{0,7}}$");
    let all = json!({
        "limit": {
            "name": "limit", "in": "query", "description": "The most items of a page.",
            "schema": { "type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT },
        },
        "cursor": {
            "name": "cursor", "in": "query",
            "description": "Where the page begins: `next_cursor` of the page before, with the same filters and the same sort.",
            "schema": { "type": "string", "minLength": 1, "maxLength": MAX_CURSOR, "pattern": "^[A-Za-z0-9_-]+$" },
        },
        "Idempotency-Key": header(
            "Idempotency-Key",
            "Makes it safe to send the request again: within 24 hours the same key with the same body gets the first answer, and nothing is done twice.",
            json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" }),
        ),
        "If-Match": header(
            "If-Match",
            "The ETag of the version that is to be changed; if it is another one by now, nothing is changed. Without it the write goes through.",
            json!({ "anyOf": [{ "const": "*" }, { "type": "string", "pattern": tags }] }),
        ),
        "If-None-Match": header(
            "If-None-Match",
            "The ETag of the version that the client has; if it is still that one, the answer is 304 without a body.",
            json!({ "type": "string" }),
        ),
    });
    match all {
        Value::Object(all) => all,
        _ => Map::new(),
    }
}
