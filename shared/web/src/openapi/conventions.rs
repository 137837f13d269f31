//! What endpoints have in common, by name. Rule: a convention that the extractors and [`crate::command`] keep stands
//! here with every parameter, header and refusal that it brings.

use super::answers::Reply;
use super::operation::{Access, Body, Operation, RequestHeader};
use super::{Example, SchemaOf};
use crate::page::Page;
use crate::problem::ProblemCode as Code;
use schemars::{JsonSchema, Schema, json_schema};
use serde_json::json;

/// A body was read: it came, was JSON, and had the right fields.
const OF_A_BODY: [Code; 7] = [
    Code::BadRequest,
    Code::InvalidJson,
    Code::RequestTimeout,
    Code::PayloadTooLarge,
    Code::UnsupportedMediaType,
    Code::ValidationFailed,
    Code::UnknownField,
];

impl Operation {
    /// For anybody who is signed in: [`crate::Caller`], [`crate::Call`].
    pub fn signed_in(mut self) -> Self {
        self.access = Access::SignedIn;
        self.problems(&[Code::Unauthorized, Code::InvalidToken])
    }

    /// For administrators: [`crate::Admin`].
    pub fn admin(self) -> Self {
        let mut admin = self.signed_in().problem(Code::InsufficientScope);
        admin.access = Access::Admin;
        admin
    }

    /// A JSON body: [`crate::Body`].
    pub fn body<T: JsonSchema>(self, example: Example) -> Self {
        self.with_body(|generator| generator.subschema_for::<T>(), example, true)
    }

    /// A JSON body, or none: [`crate::MaybeBody`].
    pub fn maybe_body<T: JsonSchema>(self, example: Example) -> Self {
        self.with_body(|generator| generator.subschema_for::<T>(), example, false)
    }

    /// Nothing, or an object without fields: [`crate::NoBody`].
    pub fn no_body(self) -> Self {
        let empty: SchemaOf = |_| json_schema!({ "type": "object", "additionalProperties": false });
        self.with_body(empty, || json!({}), false)
    }

    /// An Idempotency-Key is kept: a POST or PATCH with [`crate::command`].
    pub fn keyed(mut self) -> Self {
        self.headers.insert(RequestHeader::IdempotencyKey);
        self.problems(&[Code::InvalidHeader, Code::IdempotencyInFlight, Code::IdempotencyKeyReused])
    }

    /// If-Match is required of the present version.
    pub fn if_match(mut self) -> Self {
        self.headers.insert(RequestHeader::IfMatch);
        self.problems(&[Code::InvalidHeader, Code::Stale])
    }

    /// If-None-Match is compared with the ETag, for an answer with a 304 of its own.
    pub fn if_none_match(mut self) -> Self {
        self.headers.insert(RequestHeader::IfNoneMatch);
        self
    }

    /// Query parameters: [`crate::Params`].
    pub fn query<T: JsonSchema>(mut self) -> Self {
        self.query.push(|generator| T::json_schema(generator));
        self
    }

    /// A list with filters and one order: [`crate::Listing`].
    pub fn list<F: JsonSchema>(mut self) -> Self {
        self.paged = true;
        self.query::<F>().problems(&[Code::InvalidCursor, Code::CursorMismatch])
    }

    /// A list that can be sorted by these fields: [`crate::SortedListing`].
    pub fn sorted_list<F: JsonSchema>(mut self, fields: impl IntoIterator<Item = &'static str>) -> Self {
        self.sort = fields.into_iter().collect();
        self.list::<F>().problem(Code::InvalidSort)
    }

    /// A segment of the path that is no id, with what may stand there. Others are 404.
    pub fn segment(mut self, name: &'static str, schema: Schema) -> Self {
        self.path.push((name, schema));
        self.problem(Code::NotFound)
    }

    /// A segment of the path that is one of these.
    pub fn segment_of(self, name: &'static str, values: &[&str]) -> Self {
        self.segment(name, json_schema!({ "type": "string", "enum": values }))
    }

    /// It changes nothing, although it is no GET.
    pub const fn reading(mut self) -> Self {
        self.reads = true;
        self
    }

    /// Requests are not counted, however many there are.
    pub fn unlimited(mut self) -> Self {
        self.limited = false;
        self.never(&[Code::RateLimited])
    }

    /// It asks neither a database nor another process, so nothing is late or away.
    pub fn at_hand(self) -> Self {
        self.never(&[Code::Unavailable, Code::Timeout])
    }

    /// Somebody else may have to be asked for the answer.
    pub fn forwarded(self) -> Self {
        self.problem(Code::BadGateway)
    }

    /// 200 with a JSON body.
    pub fn ok<T: JsonSchema>(self, example: Example) -> Self {
        self.reply(Reply::new(200, "Done.").json::<T>(example))
    }

    /// 200 with a single resource as [`crate::one`] answers it, or 304.
    pub fn one<T: JsonSchema>(mut self, example: Example) -> Self {
        self.headers.insert(RequestHeader::IfNoneMatch);
        self.reply(Reply::new(200, "The resource.").json::<T>(example).tagged())
            .reply(Reply::new(304, "It is as If-None-Match says.").tagged())
    }

    /// 200 with a page of a list.
    pub fn page<T: JsonSchema>(self, example: Example) -> Self {
        self.reply(Reply::new(200, "A page of the list.").json::<Page<T>>(example))
    }

    /// 200 with the resource after a write: [`crate::Answer::ok`].
    pub fn changed<T: JsonSchema>(self, example: Example) -> Self {
        self.reply(Reply::new(200, "The resource as it is now.").json::<T>(example).tagged())
    }

    /// 201 with the new resource: [`crate::Answer::created`].
    pub fn created<T: JsonSchema>(self, example: Example) -> Self {
        self.reply(Reply::new(201, "The new resource.").json::<T>(example).tagged().located())
    }

    /// 202 with the resource: [`crate::Answer::accepted`].
    pub fn accepted<T: JsonSchema>(self, example: Example) -> Self {
        self.reply(Reply::new(202, "Accepted; the rest follows.").json::<T>(example).tagged())
    }

    /// 204.
    pub fn no_content(self) -> Self {
        self.reply(Reply::new(204, "Done."))
    }

    fn with_body(mut self, schema: SchemaOf, example: Example, required: bool) -> Self {
        self.body = Some(Body { schema, example, required });
        self.problems(&OF_A_BODY)
    }
}
