//! Addresses that nobody serves. Rule: while a process waits for its databases, it cannot tell whether there is
//! something, so it does not say that there is nothing.

use crate::process::Process;
use actix_web::web::Data;
use web::{Problem, ProblemCode};

pub(crate) async fn otherwise(process: Data<Process>) -> Result<&'static str, Problem> {
    Err(Problem::new(if process.is_waiting() { ProblemCode::Unavailable } else { ProblemCode::NotFound }))
}
