//! What the routes of the process itself know: who is served, and how each of them is. Rule: liveness touches
//! nothing; a process is ready while it may be sent requests; it is unhealthy only when a domain cannot write.

use crate::gateway::{RemoteHealth, Service};
use crate::server::Domain;
use bus::EventBus;
use chrono::{DateTime, Utc};
use contracts::Clock;
use futures_util::future::join_all;
use outbox::{MessagingHealth, TaskHealth};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::fmt;
use std::sync::Arc;
use tokio::sync::watch;
use web::Verifier;

/// An event that waits longer than this makes its domain degraded.
const LATE_SECONDS: i64 = 60;
/// A relay or inbox that has not looked for longer than this makes its domain degraded. A look every 2 s is usual; one
/// batch may wait 10 s for the bus and once more for the database.
const SILENT_SECONDS: u64 = 30;

/// The process, as its own routes see it.
pub(crate) struct Process {
    pub(crate) public_url: String,
    pub(crate) domains: Vec<Domain>,
    /// Domains that are served elsewhere.
    pub(crate) remote: Vec<Arc<Service>>,
    pub(crate) bus: Arc<dyn EventBus>,
    pub(crate) verifier: Arc<Verifier>,
    /// Whether there is somewhere that keys come from; a gateway may have none.
    pub(crate) has_keys: bool,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) stopping: watch::Sender<bool>,
    /// The domains whose databases wait for somebody to migrate them; until then nothing else is served.
    pub(crate) waiting: Vec<&'static str>,
}

/// How somebody is; the worst of several counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "HealthStatus")]
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
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Whether it waits for somebody to migrate its databases.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(crate) fn begin_draining(&self) {
        self.stopping.send_replace(true);
    }

    /// None while requests may come; else what stands in the way.
    pub(crate) fn not_ready(&self) -> Option<&'static str> {
        if *self.stopping.borrow() {
            return Some("stopping");
        }
        if self.is_waiting() {
            return Some("migrations are pending: run cleave migrate up");
        }
        if self.domains.iter().any(|domain| domain.db.trouble().is_some()) {
            return Some("a database cannot be written");
        }
        // Who serves nothing itself verifies next to nothing.
        (!self.domains.is_empty() && !self.verifier.is_loaded()).then_some("the token keys are not loaded")
    }

    /// Looks at every domain at once. One that is elsewhere and away is no reason to take this process away too.
    pub(crate) async fn health(&self) -> ProcessHealth {
        let mounted = join_all(self.domains.iter().map(Domain::health));
        let remote = join_all(self.remote.iter().map(|service| remote_health(service)));
        let (mounted, remote) = tokio::join!(mounted, remote);
        let bus = self.bus.status();
        let stale = self.has_keys && self.verifier.is_stale();
        let elsewhere = remote.iter().any(|domain| domain.status > Status::Healthy);
        let edge = if bus.trouble.is_some() || stale || elsewhere { Status::Degraded } else { Status::Healthy };
        let waiting = self.waiting.iter().copied().map(not_migrated);
        let mounted: Vec<_> = mounted.into_iter().chain(waiting).collect();
        let status = mounted.iter().map(|domain| domain.status).max().unwrap_or(Status::Healthy).max(edge);
        let mut checks = Map::new();
        let mut services = Map::new();
        for domain in mounted.into_iter().chain(remote) {
            services.insert(domain.name.to_owned(), json!(domain.status));
            checks.insert(domain.name.to_owned(), domain.checks);
        }
        if !self.domains.is_empty() {
            checks.insert("bus".to_owned(), json!({ "kind": bus.kind, "trouble": bus.trouble }));
        }
        let keys = json!({ "loaded": self.verifier.is_loaded(), "stale": self.verifier.is_stale() });
        checks.insert("keys".to_owned(), keys);
        ProcessHealth { status, services, checks }
    }

    /// How the domain of that name is, here or elsewhere.
    pub(crate) async fn health_of(&self, name: &str) -> Option<DomainHealth> {
        if let Some(domain) = self.domains.iter().find(|domain| domain.name == name) {
            return Some(domain.health().await);
        }
        if let Some(waiting) = self.waiting.iter().copied().find(|waiting| *waiting == name) {
            return Some(not_migrated(waiting));
        }
        let service = self.remote.iter().find(|service| service.name == name)?;
        Some(remote_health(service).await)
    }
}

/// One that cannot write before somebody has migrated.
fn not_migrated(name: &'static str) -> DomainHealth {
    DomainHealth { name, status: Status::Unhealthy, checks: json!({ "database": { "writable": false } }) }
}

async fn remote_health(service: &Service) -> DomainHealth {
    let RemoteHealth { status, checks } = service.health().await;
    DomainHealth { name: service.name, status, checks }
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
            // Whatever would change something that others hear of is refused.
            Ok(messaging) if messaging.refusing.is_some() => Status::Unhealthy,
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
        && messaging.lost == 0
        && messaging.oldest_pending_seconds.is_none_or(|age| age < LATE_SECONDS)
        && [Some(messaging.relay), messaging.inbox].iter().flatten().all(is_alive)
}

const fn is_alive(task: &TaskHealth) -> bool {
    task.last_tick_seconds < SILENT_SECONDS
}
