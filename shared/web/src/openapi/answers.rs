//! Answers that are no refusals.

use super::{Example, SchemaOf};
use schemars::{JsonSchema, json_schema};

/// An answer that is no refusal, as the document tells of it.
#[derive(Debug, Clone)]
#[must_use = "it describes nothing until it is given to an operation"]
pub struct Reply {
    pub(super) status: u16,
    pub(super) description: &'static str,
    pub(super) content: Option<Content>,
    /// Names of headers that it always carries.
    pub(super) headers: Vec<&'static str>,
}

/// A body of an answer.
#[derive(Debug, Clone)]
pub(super) struct Content {
    pub(super) media: &'static str,
    pub(super) schema: SchemaOf,
    pub(super) example: Example,
}

impl Reply {
    /// An answer of that status, without a body.
    pub const fn new(status: u16, description: &'static str) -> Self {
        Self { status, description, content: None, headers: Vec::new() }
    }

    /// With a JSON body.
    pub fn json<T: JsonSchema>(self, example: Example) -> Self {
        self.media::<T>("application/json", example)
    }

    /// With a JSON body of another media type.
    pub fn media<T: JsonSchema>(mut self, media: &'static str, example: Example) -> Self {
        let schema: SchemaOf = |generator| generator.subschema_for::<T>();
        self.content = Some(Content { media, schema, example });
        self
    }

    /// With text.
    pub fn text(mut self, media: &'static str, example: Example) -> Self {
        self.content = Some(Content { media, schema: |_| json_schema!({ "type": "string" }), example });
        self
    }

    /// With an ETag.
    pub fn tagged(mut self) -> Self {
        self.headers.push("ETag");
        self
    }

    /// With a Location.
    pub fn located(mut self) -> Self {
        self.headers.push("Location");
        self
    }

    /// With a Cache-Control that lets it be kept.
    pub fn cached(mut self) -> Self {
        self.headers.push("Cache-Control");
        self
    }
}
