//! Domains that are served elsewhere, with small servers standing in for them that can do what no good service does.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on ends there")]

mod attacks;
mod bodies;
mod failures;
mod headers;
mod health;
mod passing;
mod recovery;
mod replicas;
mod stub;
mod support;
