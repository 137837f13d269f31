//! The places of domains that this process does not serve. Rule: a client can tell "not here" from "no such thing".

use crate::module::Module;
use actix_web::web::{Data, ServiceConfig};
use web::{Problem, ProblemCode};

pub(crate) fn absent(config: &mut ServiceConfig, modules: &[Module]) {
    for module in modules {
        let operators = crate::ops::prefix(module.name());
        for prefix in module.prefixes.iter().copied().chain([operators.as_str()]) {
            web::register_below(config, prefix, Data::new(()), not_here);
        }
    }
}

async fn not_here() -> Result<&'static str, Problem> {
    Err(Problem::new(ProblemCode::DomainAbsent))
}
