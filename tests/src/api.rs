//! The document of the API as a judge: what it says of requests and answers, against what happens. Rule: nothing here
//! knows a route; all of it is read from the document.

#![expect(clippy::indexing_slicing, reason = "of a JSON value, what is not there is null")]

mod corpus;
mod judge;
mod shape;

pub use corpus::{bodies, texts};
pub use judge::Judge;
pub use shape::objections;

use serde_json::{Map, Value};

/// A method of an address.
#[derive(Debug, Clone, Copy)]
pub struct Operation<'d> {
    /// `/api/v1/tasks/{id}`.
    pub path: &'d str,
    /// `get`.
    pub method: &'d str,
    /// What the document says of it.
    pub value: &'d Value,
}

/// All of them, in the document's order.
pub fn operations(document: &Value) -> Vec<Operation<'_>> {
    let paths = document.get("paths").and_then(Value::as_object).into_iter().flatten();
    paths
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().into_iter().flatten();
            methods.map(move |(method, value)| Operation { path, method, value })
        })
        .collect()
}

/// What a reference stands for.
///
/// # Panics
/// When it leads nowhere.
#[must_use]
pub fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => {
            let found = reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
            resolved(document, found.unwrap_or_else(|| panic!("{reference} leads nowhere")))
        }
        None => value,
    }
}

impl<'d> Operation<'d> {
    /// `GET /api/v1/tasks`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.method.to_uppercase(), self.path)
    }

    /// Whether the document lets anybody ask.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.value["security"].as_array().is_some_and(Vec::is_empty)
    }

    /// Its parameters at that place (`path`, `query`, `header`), with references followed.
    #[must_use]
    pub fn parameters(&self, document: &'d Value, place: &str) -> Vec<&'d Value> {
        let all = self.value.get("parameters").and_then(Value::as_array).into_iter().flatten();
        all.map(|parameter| resolved(document, parameter)).filter(|parameter| parameter["in"] == place).collect()
    }

    /// An address of it: what the document names where it names something, else an id of nothing.
    #[must_use]
    pub fn address(&self, document: &'d Value) -> String {
        let mut address = self.path.to_owned();
        for parameter in self.parameters(document, "path") {
            let name = parameter["name"].as_str().unwrap_or_default();
            let value = parameter["schema"]["enum"][0].as_str().unwrap_or("01890a5d-ac96-774b-bcce-b302099a8057");
            address = address.replace(&format!("{{{name}}}"), value);
        }
        address
    }

    /// Schema and example of its JSON body.
    #[must_use]
    pub fn body(&self) -> Option<(&'d Value, &'d Value)> {
        let content = self.value.pointer("/requestBody/content/application~1json")?;
        Some((&content["schema"], &content["example"]))
    }

    /// Its answers by status, with references followed.
    #[must_use]
    pub fn answers(&self, document: &'d Value) -> Vec<(&'d str, &'d Value)> {
        let all: &Map<String, Value> = self.value["responses"].as_object().expect("answers");
        all.iter().map(|(status, answer)| (status.as_str(), resolved(document, answer))).collect()
    }
}
