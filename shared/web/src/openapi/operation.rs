//! One method of one address. Rule: a plain value; what it means for parameters and answers is decided where the
//! document is made.

use super::SchemaOf;
use super::answers::Reply;
use crate::openapi::Example;
use crate::problem::ProblemCode;
use schemars::Schema;
use std::collections::BTreeSet;

/// A method of an address, with what the document says of it.
#[derive(Debug, Clone)]
pub struct Described {
    /// `/api/v1/tasks/{id}`.
    pub path: String,
    /// `GET`.
    pub method: &'static str,
    /// The rest.
    pub operation: Operation,
}

/// What the document says of a method. It begins with what every endpoint has: parameters that are not known are
/// refused, requests are counted, and the server may fail.
#[derive(Debug, Clone)]
#[must_use = "it describes nothing until it is given to a route"]
pub struct Operation {
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) description: Option<&'static str>,
    pub(super) tag: &'static str,
    pub(super) access: Access,
    pub(super) limited: bool,
    pub(super) reads: bool,
    pub(super) path: Vec<(&'static str, Schema)>,
    pub(super) query: Vec<SchemaOf>,
    pub(super) paged: bool,
    pub(super) sort: Vec<&'static str>,
    pub(super) headers: BTreeSet<RequestHeader>,
    pub(super) body: Option<Body>,
    pub(super) replies: Vec<Reply>,
    pub(super) problems: BTreeSet<ProblemCode>,
}

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Public,
    SignedIn,
    Admin,
}

/// A header of a request that changes what is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RequestHeader {
    IdempotencyKey,
    IfMatch,
    IfNoneMatch,
}

/// What a request brings.
#[derive(Debug, Clone)]
pub(super) struct Body {
    pub(super) schema: SchemaOf,
    pub(super) example: Example,
    pub(super) required: bool,
}

impl Operation {
    /// The operation of that name (`createTask`), which no other has; and what it does, in a few words.
    pub fn new(id: &'static str, summary: &'static str) -> Self {
        Self {
            id,
            summary,
            description: None,
            tag: "process",
            access: Access::Public,
            limited: true,
            reads: false,
            path: Vec::new(),
            query: Vec::new(),
            paged: false,
            sort: Vec::new(),
            headers: BTreeSet::new(),
            body: None,
            replies: Vec::new(),
            problems: BTreeSet::from([
                ProblemCode::UnknownParameter,
                ProblemCode::InvalidParameter,
                ProblemCode::RateLimited,
                ProblemCode::Internal,
                ProblemCode::Unavailable,
                ProblemCode::Timeout,
            ]),
        }
    }

    /// The group that it stands in.
    pub const fn tag(mut self, tag: &'static str) -> Self {
        self.tag = tag;
        self
    }

    /// What does not fit into the summary.
    pub const fn description(mut self, text: &'static str) -> Self {
        self.description = Some(text);
        self
    }

    /// A refusal of its own, beside those of its conventions.
    pub fn problem(mut self, code: ProblemCode) -> Self {
        self.problems.insert(code);
        self
    }

    /// Refusals of its own.
    pub fn problems(mut self, codes: &[ProblemCode]) -> Self {
        self.problems.extend(codes);
        self
    }

    /// A convention does not hold here.
    pub fn never(mut self, codes: &[ProblemCode]) -> Self {
        self.problems.retain(|code| !codes.contains(code));
        self
    }

    /// An answer that is no refusal.
    pub fn reply(mut self, reply: Reply) -> Self {
        self.replies.push(reply);
        self
    }

    /// Its name.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        self.id
    }
}
