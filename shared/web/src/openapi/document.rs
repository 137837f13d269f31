//! One operation as the document shows it, and the headers that answers carry.

use super::answers::Reply;
use super::operation::{Access, Body, Described, Operation, RequestHeader};
use super::parameters::parameters;
use super::problems::problems;
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

/// What collects in the document while operations are written.
pub(super) struct Drawn {
    /// Of types as they are read.
    pub(super) requests: SchemaGenerator,
    /// Of types as they are written.
    pub(super) answers: SchemaGenerator,
    /// Refusals.
    pub(super) responses: Map<String, Value>,
}

impl Drawn {
    pub(super) fn operation(&mut self, Described { path, method, operation }: &Described) -> Value {
        let mut drawn = json!({
            "operationId": operation.id,
            "summary": operation.summary,
            "tags": [operation.tag],
            "security": security(operation.access),
            "responses": self.responses(path, method, operation),
        });
        let Some(members) = drawn.as_object_mut() else { return drawn };
        if let Some(text) = operation.description {
            members.insert("description".to_owned(), json!(text));
        }
        let parameters = parameters(path, operation, &mut self.requests);
        if !parameters.is_empty() {
            members.insert("parameters".to_owned(), Value::Array(parameters));
        }
        if let Some(body) = &operation.body {
            members.insert("requestBody".to_owned(), self.body(method, body));
        }
        drawn
    }

    fn body(&mut self, method: &str, body: &Body) -> Value {
        let content = json!({ "schema": (body.schema)(&mut self.requests), "example": (body.example)() });
        let patch = (method == "PATCH").then_some("application/merge-patch+json");
        let kinds = ["application/json"].into_iter().chain(patch);
        let content: Map<String, Value> = kinds.map(|kind| (kind.to_owned(), content.clone())).collect();
        json!({ "required": body.required, "content": content })
    }

    fn responses(&mut self, path: &str, method: &str, operation: &Operation) -> Map<String, Value> {
        let mut all = Map::new();
        for (status, name) in problems(path, method, operation, &mut self.responses) {
            all.insert(status.to_string(), json!({ "$ref": format!("#/components/responses/{name}") }));
        }
        let replayed = operation.headers.contains(&RequestHeader::IdempotencyKey);
        for reply in &operation.replies {
            let drawn = self.reply(reply, operation.limited, replayed);
            all.insert(reply.status.to_string(), drawn);
        }
        all
    }

    fn reply(&mut self, reply: &Reply, limited: bool, replayed: bool) -> Value {
        let mut headers = common_headers(limited);
        let more = replayed.then_some("Idempotency-Replayed");
        for name in reply.headers.iter().copied().chain(more) {
            headers.insert(name.to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }));
        }
        let mut drawn = json!({ "description": reply.description, "headers": headers });
        if let (Some(content), Some(members)) = (&reply.content, drawn.as_object_mut()) {
            let schema = (content.schema)(&mut self.answers);
            let content = json!({ content.media: { "schema": schema, "example": (content.example)() } });
            members.insert("content".to_owned(), content);
        }
        drawn
    }
}

/// Of a bearer token the requirement may name roles.
fn security(access: Access) -> Value {
    match access {
        Access::Public => json!([]),
        Access::SignedIn => json!([{ "bearerAuth": [] }]),
        Access::Admin => json!([{ "bearerAuth": ["admin"] }]),
    }
}

/// What every answer carries.
pub(super) fn common_headers(limited: bool) -> Map<String, Value> {
    let always = ["X-Request-Id", "traceparent", "Server-Timing"];
    let counted: &[&str] = if limited { &["RateLimit", "RateLimit-Policy"] } else { &[] };
    let reference = |name: &&str| ((*name).to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }));
    always.iter().chain(counted).map(reference).collect()
}

/// Headers of answers, by their names.
pub(super) fn headers() -> Map<String, Value> {
    let header = |name: &str, required: bool, description: &str, pattern: &str| {
        let schema = json!({ "type": "string", "pattern": pattern });
        (name.to_owned(), json!({ "description": description, "required": required, "schema": schema }))
    };
    Map::from_iter([
        header(
            "X-Request-Id",
            true,
            "The id of the request: the client's own, or a new one.",
            "^[A-Za-z0-9._-]{1,128}$",
        ),
        header("traceparent", true, "W3C trace context.", "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"),
        header("Server-Timing", true, "How long the server took, in milliseconds.", r"^app;dur=[0-9]+\.[0-9]{2}$"),
        header(
            "RateLimit",
            false,
            "How many requests are left, and for how many seconds; absent where nothing is limited.",
            r#"^"[a-z_-]+";r=[0-9]+;t=[0-9]+"#,
        ),
        header(
            "RateLimit-Policy",
            false,
            "How many requests are allowed in how many seconds; absent where nothing is limited.",
            r#"^"[a-z_-]+";q=[0-9]+;w=[0-9]+"#,
        ),
        header("Retry-After", true, "When to come again, in seconds.", "^[0-9]+$"),
        header("WWW-Authenticate", true, "That a bearer token is needed, or is no good.", "^Bearer"),
        header("ETag", true, "The version of the resource, for If-Match and If-None-Match.", r#"^"[!#-~]+"$"#),
        header("Location", true, "The address of the resource.", "^/"),
        header("Cache-Control", true, "How long the answer may be kept.", "max-age|no-cache|no-store"),
        header(
            "Idempotency-Replayed",
            false,
            "`true` where the answer is that of an earlier request with the same key.",
            "^true$",
        ),
    ])
}
