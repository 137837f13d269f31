#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod answer;
mod auth;
mod body;
mod call;
mod client_address;
mod command;
mod cors;
mod decode;
mod edge;
mod etag;
mod fields;
mod filter;
mod id;
mod idempotency;
mod instant;
mod limit;
pub mod middleware;
pub mod openapi;
mod page;
mod params;
mod patch;
mod problem;
mod routes;

pub use answer::{Answer, json, list, one, one_public};
pub use auth::{
    AUDIENCE, Admin, CLIENT_ID, Caller, Claims, FreshCaller, KeySnapshot, KeySource, KeySourceError, REVOCATIONS_AGAIN,
    Revocation, Revoked, TOKEN_TYPE, TokenRefused, Verifier, install_crypto,
};
pub use body::{Body, MaybeBody, NoBody};
pub use call::{Call, Command, OpenCall, SecretCall};
pub use client_address::{TrustedProxies, client_address};
pub use command::command;
pub use cors::Origins;
pub use edge::{Edge, limits, not_found};
pub use etag::{IfMatch, Stale, etag, etag_public};
pub use fields::{FieldError, FieldErrors, FieldRule};
pub use filter::{AnyOf, AnyOrNone, Phrase, UserRef, Word};
pub use id::Id;
pub use idempotency::{Key, forget_account, forget_caller, purge_idempotency};
pub use instant::{Instant, InstantError};
pub use limit::{Limiter, Network, Quota, Standing};
pub use page::{Keyset, Page, Paging};
pub use params::{Listing, NoParams, Params, SortedListing};
pub use patch::Patch;
pub use problem::{PROBLEM_JSON, Problem, ProblemCode};
pub use routes::{At, register, register_below};
/// What [`schemas!`] is made of.
pub use schemars;
