//! A mounted domain, as its own operator routes find it.

use crate::process::Process;
use crate::server::Domain;
use std::sync::Arc;
use web::{Problem, ProblemCode};

/// Which of the process's domains a route is about.
pub(super) struct Desk {
    process: Arc<Process>,
    name: &'static str,
}

impl Desk {
    pub(super) fn new(process: &Arc<Process>, name: &'static str) -> Self {
        Self { process: Arc::clone(process), name }
    }

    pub(super) fn domain(&self) -> Result<&Domain, Problem> {
        let domain = self.process.domains.iter().find(|domain| domain.name == self.name);
        domain.ok_or_else(|| Problem::new(ProblemCode::DomainAbsent))
    }
}
