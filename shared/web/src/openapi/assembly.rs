//! The whole document. Rule: the order of the routes means nothing: the same routes make the same document, and the
//! document of several domains is that of each of them, put together.

use super::document::{Drawn, headers};
use super::operation::Described;
use super::parameters::shared;
use super::problems;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// What the document says of the API as a whole.
#[derive(Debug, Clone, Copy)]
pub struct Info {
    /// Its name.
    pub title: &'static str,
    /// Its version.
    pub version: &'static str,
    /// A few words, in Markdown.
    pub description: &'static str,
    /// The groups of operations, in the order in which people read them, each with a few words.
    pub tags: &'static [(&'static str, &'static str)],
}

/// An OpenAPI 3.1 document.
#[derive(Debug, Clone)]
pub struct Document {
    /// The document itself.
    pub value: Value,
    /// Names that two different types have as they are read and as they are written; only one of them is in it.
    pub conflicts: Vec<String>,
}

impl Document {
    /// Of these operations.
    #[must_use]
    pub fn new(info: &Info, operations: &[Described]) -> Self {
        let generator = |settings: SchemaSettings| -> SchemaGenerator {
            let at_components = |settings: &mut SchemaSettings| {
                settings.definitions_path = "/components/schemas".into();
                settings.meta_schema = None;
            };
            settings.with(at_components).into_generator()
        };
        let mut drawn = Drawn {
            requests: generator(SchemaSettings::draft2020_12().for_deserialize()),
            answers: generator(SchemaSettings::draft2020_12().for_serialize()),
            responses: Map::new(),
        };
        let mut paths: Map<String, Value> = Map::new();
        for described in operations {
            let operation = drawn.operation(described);
            let path = paths.entry(described.path.clone()).or_insert_with(|| json!({}));
            if let Some(methods) = path.as_object_mut() {
                methods.insert(described.method.to_ascii_lowercase(), operation);
            }
        }
        let (schemas, conflicts) = schemas(drawn.requests, drawn.answers);
        let used = |tag: &&(&str, &str)| operations.iter().any(|described| described.operation.tag == tag.0);
        let tags = info.tags.iter().filter(used).map(|(name, text)| json!({ "name": name, "description": text }));
        let value = json!({
            "openapi": "3.1.0",
            "info": {
                "title": info.title,
                "version": info.version,
                "description": info.description,
                "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
            },
            "servers": [{ "url": "/" }],
            "tags": tags.collect::<Vec<_>>(),
            "paths": paths,
            "components": {
                "schemas": schemas,
                "responses": drawn.responses,
                "parameters": shared(),
                "headers": headers(),
                "examples": problems::examples(),
                "securitySchemes": { "bearerAuth": {
                    "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                    "description": "The access token that signing in gives.",
                } },
            },
        });
        Self { value, conflicts }
    }
}

/// Types as they are read and as they are written; one that is the same both ways stands there once.
fn schemas(mut requests: SchemaGenerator, mut answers: SchemaGenerator) -> (Map<String, Value>, Vec<String>) {
    let mut all = requests.take_definitions(true);
    let mut conflicts = Vec::new();
    for (name, schema) in answers.take_definitions(true) {
        if all.get(&name).is_some_and(|known| *known != schema) {
            conflicts.push(name.clone());
        }
        all.insert(name, schema);
    }
    all.insert("Problem".to_owned(), problems::schema());
    (all, conflicts)
}
