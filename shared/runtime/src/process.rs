//! What the routes of the process itself know: who is served, and how each of them is. Rule: liveness touches
//! nothing; a process is ready while it may be sent requests; it is unhealthy only when a domain cannot write.

use crate::server::Domain;
use bus::EventBus;
use chrono::{DateTime, Utc};
use contracts::Clock;
use outbox::MessagingHealth;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use web::Verifier;

/// An event that waits longer than this makes its domain degraded.
const LATE_SECONDS: i64 = 60;

/// The process, as its own routes see it.
pub(crate) struct Process {
    pub(crate) public_url: String,
    pub(crate) domains: Vec<Domain>,
    pub(crate) bus: Arc<dyn EventBus>,
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) clock: Arc<dyn Clock>,
    draining: AtomicBool,
}

/// How somebody is; the worst of several counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Healthy,
    Degraded,
    Unhealthy,
}

/// How a domain is, and why.
pub(crate) struct DomainHealth {
    pub(crate) name: &'static str,
    pub(crate) status: Status,
    pub(crate) checks: Value,
}

/// How the process is, and why.
pub(crate) struct ProcessHealth {
    pub(crate) status: Status,
    pub(crate) services: Map<String, Value>,
    pub(crate) checks: Map<String, Value>,
}

impl Process {
    pub(crate) fn new(
        public_url: String,
        domains: Vec<Domain>,
        bus: Arc<dyn EventBus>,
        verifier: Arc<Verifier>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { public_url, domains, bus, verifier, clock, draining: AtomicBool::new(false) }
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub(crate) fn begin_draining(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// None while requests may come; else what stands in the way.
    pub(crate) fn not_ready(&self) -> Option<&'static str> {
        if self.draining.load(Ordering::Acquire) {
            return Some("stopping");
        }
        if self.domains.iter().any(|domain| domain.db.trouble().is_some()) {
            return Some("a database cannot be written");
        }
        (!self.verifier.is_loaded()).then_some("the token keys are not loaded")
    }

    /// Looks at every domain at once.
    pub(crate) async fn health(&self) -> ProcessHealth {
        let domains = futures_util::future::join_all(self.domains.iter().map(Domain::health)).await;
        let bus = self.bus.status();
        let edge = [(bus.trouble.is_some(), "bus"), (self.verifier.is_stale(), "keys")];
        let edge_status = if edge.iter().any(|(bad, _)| *bad) { Status::Degraded } else { Status::Healthy };
        let status = domains.iter().map(|domain| domain.status).max().unwrap_or(Status::Healthy).max(edge_status);
        let services = domains.iter().map(|domain| (domain.name.to_owned(), json!(domain.status))).collect();
        let mut checks: Map<String, Value> =
            domains.into_iter().map(|domain| (domain.name.to_owned(), domain.checks)).collect();
        checks.insert("bus".to_owned(), json!({ "kind": bus.kind, "trouble": bus.trouble }));
        checks.insert(
            "keys".to_owned(),
            json!({ "loaded": self.verifier.is_loaded(), "stale": self.verifier.is_stale() }),
        );
        ProcessHealth { status, services, checks }
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").field("domains", &self.domains).finish_non_exhaustive()
    }
}

impl Domain {
    pub(crate) async fn health(&self) -> DomainHealth {
        let writable = self.db.trouble().is_none();
        let messaging = self.messaging.health().await;
        let status = match &messaging {
            _ if !writable => Status::Unhealthy,
            Ok(messaging) if is_well(messaging) => Status::Healthy,
            Ok(_) | Err(_) => Status::Degraded,
        };
        let messaging = match messaging {
            Ok(messaging) => json!(messaging),
            Err(error) => {
                tracing::warn!(domain = self.name, %error, "the state of the messaging tables could not be read");
                Value::Null
            }
        };
        let migrations = json!({ "applied": self.migrated.total(), "pending": 0 });
        // What the database said stays in the log: health is public.
        let checks = json!({ "database": { "writable": writable }, "migrations": migrations, "messaging": messaging });
        DomainHealth { name: self.name, status, checks }
    }
}

fn is_well(messaging: &MessagingHealth) -> bool {
    messaging.parked == 0
        && messaging.failing == 0
        && messaging.dead == 0
        && messaging.oldest_pending_seconds.is_none_or(|age| age < LATE_SECONDS)
}
