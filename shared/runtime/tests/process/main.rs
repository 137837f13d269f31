//! Whole processes inside the test, over HTTP, with small domains of their own. Rule: nothing of a real domain is
//! compiled here.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on ends there"
)]

mod health;
mod jobs;
mod limits;
mod routes;
mod start;
mod stop;
mod support;
