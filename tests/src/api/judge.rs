//! Schemas of the document at work.

use super::{Operation, resolved};
use jsonschema::{Draft, Validator};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use testkit::Reply;

/// Says what a schema of the document accepts; each is compiled once.
pub struct Judge {
    document: Value,
    compiled: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Judge {
    /// By that document.
    #[must_use]
    pub fn new(document: Value) -> Self {
        Self { document, compiled: Mutex::default() }
    }

    /// The document.
    #[must_use]
    pub const fn document(&self) -> &Value {
        &self.document
    }

    /// Whether the schema accepts the value.
    #[must_use]
    pub fn accepts(&self, schema: &Value, value: &Value) -> bool {
        self.compiled(schema).is_valid(value)
    }

    /// Why the schema does not accept the value, each reason with its place.
    #[must_use]
    pub fn objections(&self, schema: &Value, value: &Value) -> Vec<String> {
        self.compiled(schema).iter_errors(value).map(|error| format!("{} {error}", error.instance_path())).collect()
    }

    /// Whether a text in the address is what a parameter's schema accepts.
    #[must_use]
    pub fn accepts_text(&self, schema: &Value, text: &str) -> bool {
        let value = match resolved(&self.document, schema)["type"].as_str() {
            Some("array") => Value::from(text.split(',').collect::<Vec<_>>()),
            Some("boolean" | "integer") => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
            _ => json!(text),
        };
        self.accepts(schema, &value)
    }

    /// What of an answer the document does not say: its status, a header that is missing or different, its body.
    #[must_use]
    pub fn faults(&self, operation: &Operation<'_>, reply: &Reply) -> Vec<String> {
        let answers = operation.answers(&self.document);
        let Some((_, answer)) = answers.iter().find(|(status, _)| *status == reply.status.to_string()) else {
            return vec![format!("{} is not among its statuses: {}", reply.status, reply.text)];
        };
        let mut faults = Vec::new();
        for (name, header) in answer["headers"].as_object().into_iter().flatten() {
            let header = resolved(&self.document, header);
            let found = reply.headers.get(name).map(|value| value.to_str().unwrap_or_default());
            match found {
                Some(value) if self.accepts(&header["schema"], &json!(value)) => {}
                Some(value) => faults.push(format!("the header {name} is {value}")),
                None if header["required"] == true => faults.push(format!("the header {name} is missing")),
                None => {}
            }
        }
        let kind = reply.header("content-type");
        match answer.get("content").and_then(Value::as_object) {
            None if reply.text.is_empty() => {}
            None => faults.push(format!("there is a body: {}", reply.text)),
            Some(content) => match content.iter().find(|(media, _)| is_of(kind, media)) {
                None => faults.push(format!("it is {kind}")),
                Some((media, content)) if media.contains("json") => {
                    faults.extend(self.objections(&content["schema"], &reply.body));
                }
                Some(_) => {}
            },
        }
        faults
    }

    fn compiled(&self, schema: &Value) -> Arc<Validator> {
        let key = schema.to_string();
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        let validator = compiled.entry(key).or_insert_with(|| {
            // The references of the document lead to its components.
            let root = json!({ "components": self.document["components"], "allOf": [schema] });
            let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true);
            Arc::new(options.build(&root).expect("a schema"))
        });
        Arc::clone(validator)
    }
}

fn is_of(kind: &str, media: &str) -> bool {
    media == "*/*" || kind == media || kind.split(';').next() == Some(media)
}
