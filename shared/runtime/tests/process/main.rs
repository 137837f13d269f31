//! Whole processes inside the test, over HTTP, with small domains of their own. Rule: nothing of a real domain is
//! compiled here.

mod health;
mod jobs;
mod routes;
mod start;
mod stop;
mod support;
