//! What things are called at the broker. Rule: every name ends in the version of its arguments, because a name cannot
//! be declared again with others.

use contracts::topology::{HEARS, STREAMS};
use lapin::types::ShortString;

/// The names, each with the prefix that keeps several systems in one virtual host apart.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    prefix: String,
}

impl Names {
    pub(crate) fn new(prefix: Option<&str>) -> Self {
        Self { prefix: prefix.unwrap_or_default().to_owned() }
    }

    /// The exchange of all events.
    pub(crate) fn events(&self) -> ShortString {
        self.name("cleave.events.v1")
    }

    /// The exchange of what no consumer could read.
    pub(crate) fn dead(&self) -> ShortString {
        self.name("cleave.dead.v1")
    }

    /// The exchange of what domains ask each other about events.
    pub(crate) fn control(&self) -> ShortString {
        self.name("cleave.control.v1")
    }

    /// What a consumer hears.
    pub(crate) fn inbox(&self, consumer: &str) -> ShortString {
        self.name(&format!("{consumer}.inbox.v1"))
    }

    /// What a consumer could not read.
    pub(crate) fn dead_queue(&self, consumer: &str) -> ShortString {
        self.name(&format!("{consumer}.dead.v1"))
    }

    /// What a domain is asked.
    pub(crate) fn control_queue(&self, domain: &str) -> ShortString {
        self.name(&format!("{domain}.control.v1"))
    }

    /// The empty exchange that stands where a domain was forgotten: every process sees it, and no queue is made again.
    pub(crate) fn forgotten(&self, domain: &str) -> ShortString {
        self.name(&format!("cleave.forgotten.{domain}.v1"))
    }

    fn name(&self, name: &str) -> ShortString {
        format!("{}{name}", self.prefix).into()
    }
}

/// Every domain that publishes or hears something.
pub(crate) fn domains() -> Vec<&'static str> {
    let mut domains: Vec<&'static str> = STREAMS.iter().map(|stream| stream.domain).collect();
    for line in HEARS {
        if !domains.contains(&line.consumer) {
            domains.push(line.consumer);
        }
    }
    domains
}
