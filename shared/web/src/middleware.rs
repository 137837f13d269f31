//! The layers around every route. Rule: applied from the outside in as [`request_context`], [`security_headers`],
//! [`cors`], [`problems`], [`body_limit`], [`rate_limit`], [`preflight`], [`catch_panics`], [`handler_deadline`],
//! [`body_deadline`]; so whatever goes wrong further in leaves as a problem document with an id and with all headers.

mod body_deadline;
mod body_limit;
mod catch_panics;
mod cors;
mod handler_deadline;
mod outcome;
mod problems;
mod rate_limit;
mod request_context;
mod security_headers;

pub use body_deadline::body_deadline;
pub use body_limit::body_limit;
pub use catch_panics::catch_panics;
pub use cors::{cors, preflight};
pub use handler_deadline::handler_deadline;
pub use problems::problems;
pub use rate_limit::rate_limit;
pub use request_context::{RequestContext, request_context};
pub use security_headers::security_headers;
